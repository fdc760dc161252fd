"""A simulator that runs for long: what has ended is forgotten, oldest first, so that its memory stays what it is."""

from collections.abc import Iterable
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from wechatpay_simulator.forgetting.bound import Bound
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.refunds.refund_ledger import RefundLedger

_CREDENTIALS = 10  # of an order, on average
_DELIVERIES = 10  # likewise, and never twice as many: the ladder has sixteen


class Forgetful(Protocol):
    """Something else that grows."""

    def forget(self, most: int) -> None:
        """Keep about `most`, the newest."""


class Forgetting:
    """Keeps the newest `most` orders, and older ones that have not ended, up to twice as many in all.

    With an order go its refunds, its numbers and codes, its notifications and their deliveries: it is unknown from then on.
    Notifications that are about no order have the same bound, and so has each of `others`.
    """

    def __init__(
        self,
        most: int,
        *,
        ledger: Ledger,
        refund_ledger: RefundLedger,
        courier: Courier,
        others: Iterable[Forgetful],
    ) -> None:
        self._orders, self._notifications = Bound(most), Bound(most)
        self._ledger = ledger
        self._refund_ledger = refund_ledger
        self._courier = courier
        self._others = tuple(others)

    def look(self) -> None:
        """Forget what is too much by now."""
        most, orders = self._orders.most, set[str]()
        if self._orders.is_due(len(self._ledger)):
            orders = self._refund_ledger.forget(self._orders, self._courier.waiting)
        self._ledger.forget_credentials(_CREDENTIALS * most)
        self._courier.forget(orders, self._notifications, deliveries=_DELIVERIES * most)
        for other in self._others:
            other.forget(most)

    def after(self, app: ASGIApp) -> ASGIApp:
        """The application, with a look after each request."""

        async def looked_after(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.look()

        return looked_after
