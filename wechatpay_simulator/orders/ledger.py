"""All orders of the merchant, and every step that one can take, each under one lock."""

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wechatpay_simulator.clock import Timepiece, beijing_day
from wechatpay_simulator.controls.control_request import NotPossibleError
from wechatpay_simulator.forgetting.bound import Bound
from wechatpay_simulator.orders.means import FROM_BALANCE, Means
from wechatpay_simulator.orders.order import CREDENTIAL_LIFE_SECONDS, Order, TradeState
from wechatpay_simulator.protocol.refusals import (
    closed_too_early,
    order_closed,
    order_expired,
    order_missing,
    order_paid,
    out_trade_no_used,
    paid_order_not_closed,
    reentry_differs,
    reposted_differently,
)

# What WeChat Pay says of a number that was first posted with other parameters differs; each is documented or was seen.
REPOSTED = {
    "INVALID_REQUEST": reposted_differently,
    "PARAM_ERROR": reentry_differs,
    "OUT_TRADE_NO_USED": out_trade_no_used,
}


@dataclass(frozen=True)
class _Issued:
    """A credential's order and end."""

    out_trade_no: str
    expires_at: float


class Ledger:
    """Orders by number. Orders are immutable: what comes out is how it was at that moment."""

    def __init__(self, clock: Timepiece) -> None:
        self.close_after: float = 0  # seconds from its creation in which an order is not closed
        self.reposted_differently = "INVALID_REQUEST"  # a code of REPOSTED
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._by_transaction_id: dict[str, str] = {}
        # By credential; replaced ones too: they are refused with a reason.
        self._issued: dict[str, _Issued] = {}

    def place(self, trade_type: str, request: Mapping[str, Any], mint: Callable[[float], str]) -> Order:
        """Create the order, or give the one that the same request created a fresh credential from `mint`.

        The older code_url is void from then on; an older prepay_id or h5_url can be paid with until its own end (WeChat
        Pay APIv3, Native order, JSAPI order: repeating an order). Raises the refusals of a paid, closed or expired order
        and of a request that differs from the first.
        """
        now = self._clock.time()
        with self._lock:
            known = self._current(request["out_trade_no"], now)
            if known is None:
                order = Order.placed(trade_type, request, credential=mint(now), now=now)
            elif known.trade_state is TradeState.CLOSED:
                raise order_closed()
            elif known.trade_state is not TradeState.NOTPAY:
                raise order_paid()
            elif not known.was_asked_for_by(trade_type, request):
                refusal = REPOSTED[self.reposted_differently]()
                raise refusal
            elif now >= known.payable_until:
                raise order_expired()
            else:
                order = replace(known, credential=mint(now))
            ends = now + CREDENTIAL_LIFE_SECONDS[trade_type]
            self._issued[order.credential] = _Issued(order.out_trade_no, ends)
            return self._keep(order)

    def close(self, out_trade_no: str) -> None:
        """Close the order if it is unpaid; a closed or unknown one is left as it is (WeChat Pay APIv3, Close order).

        Raises the refusal of a paid order, and of one that is younger than `close_after`.
        """
        now = self._clock.time()
        with self._lock:
            order = self._current(out_trade_no, now)
            if order is None or order.trade_state is TradeState.CLOSED:
                return
            if order.trade_state is not TradeState.NOTPAY:
                raise paid_order_not_closed()
            if now < order.created_at + self.close_after:
                raise closed_too_early()
            self._keep(replace(order, trade_state=TradeState.CLOSED))

    def refund_accepted(self, out_trade_no: str) -> None:
        """A refund of this paid order was accepted, be it the first or not; its end makes no difference to the order."""
        with self._lock:
            self._keep(replace(self._orders[out_trade_no], trade_state=TradeState.REFUND))

    def by_out_trade_no(self, out_trade_no: str) -> Order:
        """The order of this number; an ORDER_NOT_EXIST refusal otherwise."""
        with self._lock:
            order = self._current(out_trade_no, self._clock.time())
        if order is None:
            raise order_missing()
        return order

    def by_transaction_id(self, transaction_id: str) -> Order:
        """The paid order of WeChat Pay's number; an ORDER_NOT_EXIST refusal otherwise."""
        with self._lock:
            out_trade_no = self._by_transaction_id.get(transaction_id)
        if out_trade_no is None:
            raise order_missing()
        return self.by_out_trade_no(out_trade_no)

    def by_credential(self, credential: str) -> Order:
        """The order that this credential was handed out for, be it void by now. Raises NotPossibleError."""
        with self._lock:
            issued = self._issued.get(credential)
            order = self._current(issued.out_trade_no, self._clock.time()) if issued is not None else None
        if order is None:
            raise NotPossibleError(404, "ORDER_NOT_FOUND", "There is no such order.")
        return order

    def payable(self, credential: str) -> Order:
        """The order that could be paid by this credential now. Raises NotPossibleError."""
        now = self._clock.time()
        order = self.by_credential(credential)
        _require_payable(order, credential, self._issued[credential].expires_at, now, now)
        return order

    def orders(self) -> list[Order]:
        """Every order, oldest first."""
        now = self._clock.time()
        with self._lock:
            return [order for number in self._orders if (order := self._current(number, now)) is not None]

    def pay(
        self,
        *,
        credential: str | None = None,
        out_trade_no: str | None = None,
        openid: str | None = None,
        means: Means = FROM_BALANCE,
        opened_at: float | None = None,
    ) -> Order:
        """The buyer pays, with a credential, or simply this order. Raises NotPossibleError.

        Who had the cashier before them at `opened_at` needs a credential that lived then.
        """
        now = self._clock.time()
        with self._lock:
            if credential is not None and (issued := self._issued.get(credential)) is not None:
                out_trade_no = issued.out_trade_no
            order = None if out_trade_no is None else self._current(out_trade_no, now)
            if order is None:
                raise NotPossibleError(404, "ORDER_NOT_FOUND", "There is no such order.")
            credential = credential or order.credential
            expires_at = self._issued[credential].expires_at
            _require_payable(order, credential, expires_at, now, now if opened_at is None else opened_at)
            if order.payer is not None and openid not in (None, order.payer):
                raise NotPossibleError(
                    403, "OPENID_MISMATCH", "The order is another buyer's: it names an openid."
                )
            if means.discount > order.total:
                raise NotPossibleError(
                    409, "COUPONS_TOO_LARGE", "The coupons are worth more than the order's total."
                )
            transaction_id = new_transaction_id(now)
            self._by_transaction_id[transaction_id] = order.out_trade_no
            return self._keep(
                replace(
                    order,
                    trade_state=TradeState.SUCCESS,
                    transaction_id=transaction_id,
                    success_time=now,
                    openid=openid or order.payer or new_openid(),
                    means=means,
                )
            )

    def __len__(self) -> int:
        return len(self._orders)

    def forget(self, bound: Bound, is_over: Callable[[str], bool]) -> set[str]:
        """Forget orders as `bound` says; which they were. One has ended that cannot be paid any more and that `is_over`."""
        now = self._clock.time()

        def has_ended(number: str) -> bool:
            order = self._current(number, now)
            return order is not None and not order.is_payable(now) and is_over(number)

        with self._lock:
            gone = set(bound.beyond(list(self._orders), has_ended))
            for number in gone:
                del self._orders[number]
            self._by_transaction_id = {
                each: number for each, number in self._by_transaction_id.items() if number not in gone
            }
            self._issued = {
                each: issued for each, issued in self._issued.items() if issued.out_trade_no not in gone
            }
        return gone

    def forget_credentials(self, most: int) -> None:
        """Of more than `most` credentials forget those that a later one of their order has followed."""
        with self._lock:
            if len(self._issued) > most:
                latest = {order.credential for order in self._orders.values()}
                self._issued = {each: issued for each, issued in self._issued.items() if each in latest}

    def _current(self, out_trade_no: str, now: float) -> Order | None:
        """The order as time has left it: WeChat Pay closes by itself what nobody paid."""
        order = self._orders.get(out_trade_no)
        if (
            order is not None
            and order.trade_state is TradeState.NOTPAY
            and order.closes_at is not None
            and now >= order.closes_at
        ):
            order = self._keep(replace(order, trade_state=TradeState.CLOSED))
        return order

    def _keep(self, order: Order) -> Order:
        self._orders[order.out_trade_no] = order
        return order


def _require_payable(order: Order, credential: str, expires_at: float, now: float, opened_at: float) -> None:
    if order.trade_state is TradeState.CLOSED:
        raise NotPossibleError(409, "ORDER_CLOSED", "The order is closed: it cannot be paid any more.")
    if order.trade_state is not TradeState.NOTPAY:
        raise NotPossibleError(409, "ORDER_PAID", "The order is paid already.")
    if now >= order.payable_until:
        raise NotPossibleError(410, "ORDER_EXPIRED", "The order has expired: its time_expire has passed.")
    if order.trade_type == "NATIVE" and credential != order.credential:
        raise NotPossibleError(410, "CODE_REPLACED", "A newer code of this order has replaced it.")
    if opened_at >= expires_at:
        raise NotPossibleError(410, "CODE_EXPIRED", "The code, prepay_id or h5_url has expired.")


def new_transaction_id(now: float) -> str:
    """28 digits: 4200, six digits, the Beijing day, ten digits."""
    return f"4200{secrets.randbelow(10**6):06}{beijing_day(now)}{secrets.randbelow(10**10):010}"


def new_openid() -> str:
    """28 characters, the first of them an o: nobody in particular."""
    alphabet = string.ascii_letters + string.digits + "_-"
    return "o" + "".join(secrets.choice(alphabet) for _ in range(27))
