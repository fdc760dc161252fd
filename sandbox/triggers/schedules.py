"""A schedule fired on the sandbox's clock, with the event that EventBridge Scheduler or a rule would send."""

import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.deployed import Schedule
from sandbox.triggers.trigger import Trigger

DAY = 86_400.0  # seconds

log = logging.getLogger(__name__)


class ScheduleTimer(Trigger):
    """Invokes one function at its schedule's rate, the first time one interval after the start, or at its moments of the day.

    However far the clock is moved, ticks that it passed become one invocation, at once: step by step, every step gets
    its own. Invocations never overlap; what came due meanwhile becomes one more. One that fails is logged and not
    repeated, where Lambda would try an asynchronous invocation twice more, a minute and two minutes later.
    """

    def __init__(self, schedule: Schedule, invoke: Callable[[str, Any], Any], *, clock: Clock) -> None:
        super().__init__(f"schedule-{schedule.logical_id}")
        self._schedule = schedule
        self._invoke = invoke
        self._clock = clock
        self._next = float("inf")  # when the next tick is due
        self._under_way = False
        self.last_error: Exception | None = None
        """What the last invocation raised; None when it succeeded."""

    def start(self) -> None:
        """Count from now. Raises RuntimeError when called twice."""
        self._next = _following(self._schedule, self._clock.time(), self._clock.time())
        self._clock.on_advance(self._wake)
        super().start()

    def run_now(self) -> Any:
        """Invoke the function, beside the schedule, and return its answer; raises what the invocation raises."""
        self.invocations += 1
        return self._invoke(self._schedule.function, self._event(self._clock.time()))

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until no tick is due and no invocation under way; not when stopped."""
        return (
            self._wait_until(lambda: not (self._under_way or self._clock.time() >= self._next), timeout)
            or self._stopping.is_set()
        )

    def _run(self) -> None:
        while True:
            with self._state:
                while not self._stopping.is_set() and (left := self._next - self._clock.time()) > 0:
                    self._state.wait(left)
                if self._stopping.is_set():
                    return
                now = self._clock.time()
                following = _following(self._schedule, self._next, now)
                tick = _before(self._schedule, following)
                self._next = following
                self._under_way = True
            self._fire(tick)
            with self._state:
                self._under_way = False
                self._state.notify_all()

    def _fire(self, tick: float) -> None:
        self.invocations += 1
        try:
            self._invoke(self._schedule.function, self._event(tick))
            self.last_error = None
        except Exception as fault:  # noqa: BLE001  whatever becomes of an invocation, the next tick comes
            if not self._stopping.is_set():
                log.warning("%s failed on schedule: %s", self._schedule.function, type(fault).__name__)
            self.last_error = fault

    def _event(self, moment: float) -> Any:
        """The template's input, or the default event.

        As in the EventBridge User Guide, Events from AWS services ("Scheduled Event"); Scheduler's own default differs
        in its source, and in a `detail` that is the text {} and not an object.
        """
        schedule = self._schedule
        if schedule.input is not None:
            return schedule.input
        _, _, _, region, account, _ = schedule.arn.split(":", 5)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": schedule.source,
            "account": account,
            "time": datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [schedule.arn],
            "detail": "{}" if schedule.source == "aws.scheduler" else {},
        }


def _following(schedule: Schedule, tick: float, now: float) -> float:
    """The first tick after `now`, counted from `tick`."""
    if schedule.moments:
        return min(each for each in _around(schedule, now) if each > now)
    return tick + ((now - tick) // schedule.rate + 1) * schedule.rate


def _before(schedule: Schedule, tick: float) -> float:
    """The tick before `tick`."""
    if schedule.moments:
        return max(each for each in _around(schedule, tick) if each < tick)
    return tick - schedule.rate


def _around(schedule: Schedule, moment: float) -> list[float]:
    """The moments of the days around this one, in epoch seconds."""
    today = moment // DAY * DAY
    return [day + each for day in (today - DAY, today, today + DAY) for each in schedule.moments]
