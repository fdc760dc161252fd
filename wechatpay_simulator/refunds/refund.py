"""One refund: what was asked for, of which order, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from wechatpay_simulator.orders.order import Order


class RefundStatus(StrEnum):
    """WeChat Pay APIv3, Query refund: status."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


BALANCE = "支付用户零钱"  # the buyer's balance
FINAL = (RefundStatus.SUCCESS, RefundStatus.CLOSED)


@dataclass(frozen=True)
class Arrival:
    """Where the money goes, and whose it is: channel, user_received_account, funds_account."""

    channel: str = "ORIGINAL"
    received_by: str = BALANCE
    funds_account: str | None = None  # None: as the request says


@dataclass(frozen=True)
class Refund:
    """Times are seconds since the epoch."""

    request: Mapping[str, Any]  # the body that created it, checked
    order: Order  # as it was paid
    refund_id: str
    create_time: float
    ends_at: float | None  # when it ends by itself; None: when somebody ends it
    ends_as: RefundStatus  # by itself
    status: RefundStatus = RefundStatus.PROCESSING
    success_time: float | None = None
    closed_at: float | None = None
    coupon_parts: tuple[int, ...] = ()  # what each coupon of the order gets back, in fen
    arrival: Arrival = Arrival()

    @property
    def out_refund_no(self) -> str:
        """The merchant's number of this refund."""
        return str(self.request["out_refund_no"])

    @property
    def amount(self) -> int:
        """What goes back to the buyer, in fen."""
        return int(self.request["amount"]["refund"])

    @property
    def payer_refund(self) -> int:
        """What the buyer gets of it, in fen; the coupons get the rest."""
        return self.amount - sum(self.coupon_parts)

    @property
    def settlement_refund(self) -> int:
        """What is taken from the merchant's settlement, in fen."""
        return self.amount - self.order.means.not_due_of(self.coupon_parts)

    @property
    def funds_account(self) -> str:
        """Whose money it is."""
        return self.arrival.funds_account or str(self.request.get("funds_account", "UNSETTLED"))

    @property
    def notify_url(self) -> str | None:
        """Where its end is told; None: nowhere."""
        url = self.request.get("notify_url")
        return None if url is None else str(url)

    def is_due(self, now: float) -> bool:
        """Whether it has to end by itself now."""
        return self.status is RefundStatus.PROCESSING and self.ends_at is not None and now >= self.ends_at

    def ended(self, status: RefundStatus, now: float) -> Self:
        """The refund with an end; only a successful one has a time of success."""
        return replace(
            self,
            status=status,
            success_time=now if status is RefundStatus.SUCCESS else None,
            closed_at=now if status is RefundStatus.CLOSED else None,
        )

    def arriving(self, **changes: str) -> Self:
        """The refund with other members of its `arrival`."""
        return replace(self, arrival=replace(self.arrival, **changes))

    def sent_on(self, received_by: str, *, ends_at: float | None, ends_as: RefundStatus) -> Self:
        """An abnormal refund on its way to another account: it is being processed again."""
        return replace(
            self,
            status=RefundStatus.PROCESSING,
            ends_at=ends_at,
            ends_as=ends_as,
        ).arriving(channel="OTHER_BANKCARD", received_by=received_by)

    def has_the_amounts_of(self, request: Mapping[str, Any]) -> bool:
        """Whether `request` asks for the same money of the same total."""
        return all(request["amount"][name] == self.request["amount"][name] for name in ("refund", "total"))

    def was_asked_for_by(self, request: Mapping[str, Any], out_trade_no: str | None) -> bool:
        """Whether `request`, for the order of this number, repeats what created the refund.

        WeChat Pay does not say what it compares beyond amounts and order; here it is every member. Which of its two numbers
        names the order makes no difference.
        """
        return out_trade_no == self.order.out_trade_no and _compared(request) == _compared(self.request)


def _compared(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in ("transaction_id", "out_trade_no")}
