"""All triggers of a deployed template, which start and end together and are waited for together."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.deployed import Deployed
from sandbox.triggers.forwarder import EventForwarder
from sandbox.triggers.queues import QueuePump
from sandbox.triggers.rules import RulePump
from sandbox.triggers.schedules import ScheduleTimer
from sandbox.triggers.streams import StreamPump
from sandbox.triggers.trigger import Trigger


class Triggers:
    """Makes them when it is started; until then there are none."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self._aws, self._clock = aws, clock
        self._pumps: list[Trigger] = []
        self.schedules: dict[str, ScheduleTimer] = {}
        """By logical id."""
        self._forwarder: EventForwarder | None = None

    def forward(self, url: str, secret: str) -> None:
        """Post every event of the bus there, from now on; before or after `start`, once."""
        self._forwarder = EventForwarder(self._aws, self._clock, url=url, secret=secret)
        self._forwarder.start()

    def start(
        self,
        deployed: Deployed,
        invoke: Callable[[str, Any], Any],
        credentials: Callable[[str], dict[str, str]],
        *,
        fire_schedules: bool,
    ) -> None:
        """Start one for each stream, queue, rule and schedule; without `fire_schedules` no schedule fires by itself.

        `invoke(logical_id, event)` returns the function's result or raises; `credentials(logical_id)` are its role's.
        """
        aws, clock = self._aws, self._clock
        for stream in deployed.streams:
            role = credentials(stream.function)
            self._pumps.append(StreamPump(aws, stream, invoke, credentials=role, clock=clock))
        for queue in deployed.queues:
            self._pumps.append(QueuePump(aws, queue, invoke, credentials=credentials(queue.function)))
        self._pumps += [RulePump(aws, rule, invoke, clock=clock) for rule in deployed.rules]
        clock.on_advance(aws.wake)  # messages may have become visible, records too old
        for pump in self._pumps:
            pump.start()
        for schedule in deployed.schedules:
            timer = ScheduleTimer(schedule, invoke, clock=clock)
            self.schedules[schedule.logical_id] = timer
            if fire_schedules:
                timer.start()

    def stop(self) -> None:
        """End all of them at once; returns when their invocations under way have ended."""
        triggers = self._all()
        with ThreadPoolExecutor(len(triggers) + 1) as side:
            for trigger in triggers:
                side.submit(trigger.stop)

    def drain(self, timeout: float) -> bool:
        """Wait until no schedule is due, no message visible, no record or event undelivered, also not from each other.

        False when `timeout` seconds were too few.
        """
        end = time.monotonic() + timeout
        triggers = self._all()
        before = -1
        while (now := sum(trigger.invocations for trigger in triggers)) != before:  # one may feed another
            before = now
            if not all(trigger.drain(max(0.0, end - time.monotonic())) for trigger in triggers):
                return False
        return True

    @property
    def pumped(self) -> int:
        """How many batches and events streams, queues and rules have handed on."""
        return sum(pump.invocations for pump in self._pumps)

    def _all(self) -> list[Trigger]:
        return [*self.schedules.values(), *self._pumps, *([self._forwarder] if self._forwarder else [])]
