"""All refunds of the merchant, and every step that one can take, each under one lock."""

import secrets
import threading
from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Any

from wechatpay_simulator.agenda import Agenda
from wechatpay_simulator.clock import Timepiece, beijing_day
from wechatpay_simulator.controls.control_request import NotPossibleError
from wechatpay_simulator.forgetting.bound import Bound
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.protocol.refusals import (
    Refusal,
    nothing_to_refund,
    refund_amounts_differ,
    refund_differs,
    refund_impossible,
    refund_missing,
    refund_not_abnormal,
    refund_numbers_differ,
    refund_too_soon,
)
from wechatpay_simulator.refunds.refund import FINAL, Refund, RefundStatus

YEAR = 365 * 86400
MAX_REFUNDS = 50  # refunds of one order
MINUTE = 60


class RefundLedger:
    """Refunds by number. Refunds are immutable: what comes out is how it was at that moment.

    `told` hears of every end of a refund, once; it must be quick. `outcome` says how the next refund will end by itself.
    `after` is how many seconds later it does so; None: not at all.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Timepiece,
        *,
        told: Callable[[Refund], None],
        outcome: Callable[[], RefundStatus] = lambda: RefundStatus.SUCCESS,
        minute_between: bool = False,
    ) -> None:
        self.after: float | None = 1.0
        self.minute_between = minute_between
        self._ledger = ledger
        self._clock = clock
        self._told = told
        self._outcome = outcome
        self._agenda = Agenda(clock, name="refunds")
        self._lock = threading.Lock()
        self._refunds: dict[str, Refund] = {}
        self._by_order: dict[str, list[str]] = {}

    def accept(self, request: Mapping[str, Any]) -> Refund:
        """Create the refund, or find the one that the same request created (WeChat Pay APIv3, Refund).

        Raises the refusals of a request that differs from the first, of an order that is unknown or unpaid, and of money,
        time or number of refunds that the order does not have any more.
        """
        now = self._clock.time()
        with self._lock:
            order = self._order(request)  # which is not forgotten now
            known = self._current(request["out_refund_no"], now)
            if known is not None:
                if not known.has_the_amounts_of(request):
                    raise refund_amounts_differ()
                if not known.was_asked_for_by(request, order.out_trade_no if order else None):
                    raise refund_differs()
                return known
            if order is None or order.success_time is None:
                raise nothing_to_refund()
            self._require_refundable(order, request, now)
            refund = Refund(
                request=request,
                order=order,
                refund_id=new_refund_id(now),
                create_time=now,
                ends_at=None if self.after is None else now + self.after,
                ends_as=self._outcome(),
                coupon_parts=self._coupon_parts(order, request, now),
            )
            self._ledger.refund_accepted(order.out_trade_no)
            self._refunds[refund.out_refund_no] = refund
            self._by_order.setdefault(order.out_trade_no, []).append(refund.out_refund_no)
        self._wait_for(refund)
        return refund

    def by_out_refund_no(self, out_refund_no: str) -> Refund:
        """The refund of this number; a RESOURCE_NOT_EXISTS refusal otherwise."""
        refund = self._look(out_refund_no)
        if refund is None:
            raise refund_missing()
        return refund

    def of(self, out_trade_no: str) -> list[Refund]:
        """Every refund of the order, oldest first."""
        with self._lock:
            return self._of(out_trade_no, self._clock.time())

    def refunds(self) -> list[Refund]:
        """Every refund, in the order in which they were accepted."""
        now = self._clock.time()
        with self._lock:
            return [each for number in self._refunds if (each := self._current(number, now)) is not None]

    def end(self, out_refund_no: str, status: RefundStatus, **arrival: str) -> Refund:
        """End it as `status`, now, with these members of its Arrival. SUCCESS and CLOSED are final. Raises NotPossibleError."""
        now = self._clock.time()
        with self._lock:
            refund = self._current(out_refund_no, now)
            if refund is None:
                raise NotPossibleError(404, "REFUND_NOT_FOUND", "There is no such refund.")
            if refund.status in FINAL or refund.status is status:
                raise NotPossibleError(409, "REFUND_ENDED", f"The refund is {refund.status.value} already.")
            return self._ended(refund.arriving(**arrival), status, now)

    def send_on(
        self,
        refund_id: str,
        *,
        out_refund_no: str,
        received_by: str,
        outcome: Callable[[], RefundStatus],
    ) -> Refund:
        """Process an abnormal refund again, to another account (WeChat Pay APIv3, Abnormal refund); it ends as `outcome` says.

        Raises the refusals of a refund that is unknown, has another out_refund_no, or is not ABNORMAL.
        """
        now = self._clock.time()
        with self._lock:
            found = (each.out_refund_no for each in self._refunds.values() if each.refund_id == refund_id)
            refund = self._current(next(found, ""), now)
            if refund is None:
                raise refund_missing()
            if refund.out_refund_no != out_refund_no:
                raise refund_numbers_differ()
            if refund.status is not RefundStatus.ABNORMAL:
                raise refund_not_abnormal()
            ends_at = None if self.after is None else now + self.after
            refund = refund.sent_on(received_by, ends_at=ends_at, ends_as=outcome())
            self._refunds[out_refund_no] = refund
        self._wait_for(refund)
        return refund

    def settle(self) -> None:
        """End what is due: the clock was advanced."""
        now = self._clock.time()
        with self._lock:
            for out_refund_no in self._refunds:
                self._current(out_refund_no, now)

    def forget(self, bound: Bound, waiting: Callable[[], Container[str]]) -> set[str]:
        """Forget orders with their refunds, as `bound` says; which orders they were.

        One has not ended as long as a refund of it may still change, nor when it is among those that are `waiting`, asked when no
        refund can end any more: its end may be what somebody has yet to be told of.
        """

        def is_over(number: str) -> bool:
            refunds = (self._refunds[each] for each in self._by_order.get(number, ()))
            return number not in told_later and all(refund.status in FINAL for refund in refunds)

        with self._lock:
            told_later = waiting()
            gone = self._ledger.forget(bound, is_over)
            for number in gone:
                for out_refund_no in self._by_order.pop(number, ()):
                    del self._refunds[out_refund_no]
            self._agenda.keep(self._refunds)
        return gone

    def stop(self) -> None:
        """Nothing ends by itself any more, unless somebody looks."""
        self._agenda.stop()

    def _wait_for(self, refund: Refund) -> None:
        if refund.ends_at is not None:
            self._agenda.put(
                refund.ends_at, partial(self._end_if_due, refund.out_refund_no), of=refund.out_refund_no
            )

    def _end_if_due(self, out_refund_no: str) -> None:
        self._look(out_refund_no)

    def _look(self, out_refund_no: str) -> Refund | None:
        with self._lock:
            return self._current(out_refund_no, self._clock.time())

    def _order(self, request: Mapping[str, Any]) -> Order | None:
        """The order that is meant. With both numbers transaction_id decides, and the other one is not looked at."""
        try:
            if "transaction_id" in request:
                return self._ledger.by_transaction_id(request["transaction_id"])
            return self._ledger.by_out_trade_no(request["out_trade_no"])
        except Refusal:
            return None

    def _require_refundable(self, order: Order, request: Mapping[str, Any], now: float) -> None:
        earlier = self._of(order.out_trade_no, now)
        spent = sum(refund.amount for refund in earlier if refund.status is not RefundStatus.CLOSED)
        if request["amount"]["total"] != order.total:
            raise refund_amounts_differ()
        if order.success_time is not None and now > order.success_time + YEAR:
            raise refund_impossible("订单支付时间已超过一年，不支持退款")
        if request["amount"]["refund"] > order.total - spent:
            raise refund_impossible("申请退款金额大于订单剩余可退金额")
        if len(earlier) >= MAX_REFUNDS:
            raise refund_impossible(f"订单退款次数已达到上限{MAX_REFUNDS}次")
        if self.minute_between and earlier and now < earlier[-1].create_time + MINUTE:
            raise refund_too_soon()

    def _coupon_parts(self, order: Order, request: Mapping[str, Any], now: float) -> tuple[int, ...]:
        earlier = [
            (refund.amount, refund.coupon_parts)
            for refund in self._of(order.out_trade_no, now)
            if refund.status is not RefundStatus.CLOSED
        ]
        return tuple(order.means.parts_of_refund(request["amount"]["refund"], order.total, earlier))

    def _of(self, out_trade_no: str, now: float) -> list[Refund]:
        numbers = self._by_order.get(out_trade_no, ())
        return [refund for number in numbers if (refund := self._current(number, now)) is not None]

    def _current(self, out_refund_no: str, now: float) -> Refund | None:
        """The refund as time has left it."""
        refund = self._refunds.get(out_refund_no)
        if refund is not None and refund.ends_at is not None and refund.is_due(now):
            refund = self._ended(refund, refund.ends_as, refund.ends_at)
        return refund

    def _ended(self, refund: Refund, status: RefundStatus, now: float) -> Refund:
        refund = refund.ended(status, now)
        self._refunds[refund.out_refund_no] = refund
        self._told(refund)
        return refund


def new_refund_id(now: float) -> str:
    """29 digits: 503, seven digits, the Beijing day, eleven digits."""
    return f"503{secrets.randbelow(10**7):07}{beijing_day(now)}{secrets.randbelow(10**11):011}"
