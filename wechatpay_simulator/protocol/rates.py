"""How often a merchant may call within a second, where WeChat Pay's documents say so; more is refused, when that is asked for."""

from collections import deque
from dataclasses import dataclass

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.protocol.refusals import too_often

ALL, DONE, REFUSED = "all", "done", "refused"


@dataclass(frozen=True)
class Rate:
    """`per_second` of the calls `name`: of `all` of them, of those that were `done`, or of those that were `refused`."""

    name: str
    per_second: int
    counts: str = ALL


# WeChat Pay APIv3, each call's own page: frequency limits. Of JSAPI orders and of queries the handbook says it.
RATES = (
    Rate("jsapi", 500),
    Rate("query", 600),
    Rate("refund", 150, DONE),
    Rate("refund", 6, REFUSED),
    Rate("refundQuery", 300),
    Rate("abnormalRefund", 150),
    Rate("fundFlowBill", 3),
    Rate("certificates", 1000),
)


class Rates:
    """Counts while `are_held`. A call that came too often is not counted itself: who waits a second is let in again."""

    def __init__(self, clock: Timepiece) -> None:
        self.are_held = False
        self._clock = clock
        self._latest = {rate: deque[float](maxlen=rate.per_second) for rate in RATES}

    def admit(self, name: str) -> None:
        """Raise the refusal of a call that comes too often."""
        if not self.are_held:
            return
        now = self._clock.time()
        for rate, latest in self._latest.items():
            if rate.name == name and len(latest) == rate.per_second and now < latest[0] + 1:
                raise too_often()

    def count(self, name: str, *, was_done: bool) -> None:
        """It was let in, and was done or refused."""
        if self.are_held:
            for rate, latest in self._latest.items():
                if rate.name == name and rate.counts in (ALL, DONE if was_done else REFUSED):
                    latest.append(self._clock.time())
