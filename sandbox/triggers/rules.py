"""Events of a bus handed to a function, as a rule of EventBridge does by way of Lambda's asynchronous invocation."""

import heapq
import itertools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.deployed import Rule
from sandbox.triggers.patterns import matches
from sandbox.triggers.trigger import Trigger

log = logging.getLogger(__name__)

MAX_CALLS_AT_ONCE = 4
"""Invocations under way; Lambda would run as many as there are events, each in a process of its own."""
WAITS = (60.0, 120.0)
"""Seconds before an invocation that failed is tried again (Lambda Developer Guide, Error handling for asynchronous invocation)."""

Event = dict[str, Any]


class RulePump(Trigger):
    """Invokes one function with every event that the rule's pattern takes; order is not promised, nor is it in AWS.

    An invocation that fails is repeated on the sandbox's clock, as often as the rule says, and then given up.
    """

    def __init__(self, aws: Aws, rule: Rule, invoke: Callable[[str, bytes], Any], *, clock: Clock) -> None:
        super().__init__(f"rule-{rule.logical_id}")
        self._aws, self._rule, self._invoke, self._clock = aws, rule, invoke, clock
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, int, Event]] = []  # due at, number, how often it was tried
        self._under_way = 0
        self.discarded: list[Event] = []
        """Events given up after the last retry."""

    def start(self) -> None:
        """Begin with the next event that the bus takes. Raises RuntimeError when called twice."""
        super().start()
        self._clock.on_advance(self._wake)
        self._aws.on_events(self._take)

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until no event is due and no invocation under way; not when stopped."""
        return (
            self._wait_until(lambda: not (self._under_way or self._due()), timeout) or self._stopping.is_set()
        )

    def _take(self, events: list[Event]) -> None:
        rule = self._rule
        taken = [
            event
            for event in events
            if event["bus"] == rule.bus
            and matches(rule.pattern, {**self._envelope(event), "detail": event["detail"]})
        ]
        with self._state:
            for event in taken:
                self._wait(event, 0, self._clock.time())
            self._state.notify_all()

    def _wait(self, event: Event, tried: int, due: float) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), tried, event))

    def _due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._clock.time()

    def _run(self) -> None:
        with ThreadPoolExecutor(MAX_CALLS_AT_ONCE, f"rule-{self._rule.logical_id}") as workers:
            while True:
                with self._state:
                    while not self._stopping.is_set() and not (
                        self._due() and self._under_way < MAX_CALLS_AT_ONCE
                    ):
                        left = self._waiting[0][0] - self._clock.time() if self._waiting else None
                        self._state.wait(left if left is not None and left > 0 else None)
                    if self._stopping.is_set():
                        return
                    _, _, tried, event = heapq.heappop(self._waiting)
                    self._under_way += 1
                    self.invocations += 1
                workers.submit(self._deliver, event, tried)

    def _deliver(self, event: Event, tried: int) -> None:
        failed = False
        try:
            self._invoke(self._rule.function, self._delivered(event))
        except Exception as fault:  # noqa: BLE001  whatever becomes of an invocation, Lambda calls it failed
            failed = True
            if not self._stopping.is_set():
                log.warning("%s failed on an event: %s", self._rule.function, type(fault).__name__)
        with self._state:
            self._under_way -= 1
            if failed and tried < self._rule.retries:
                self._wait(event, tried + 1, self._clock.time() + WAITS[min(tried, len(WAITS) - 1)])
            elif failed:
                self.discarded.append(event)
            self._state.notify_all()

    def _delivered(self, event: Event) -> bytes:
        """What a rule's target gets: the detail to the letter, for a number read and written again may lose digits."""
        return msgspec.json.encode(
            {**self._envelope(event), "detail": msgspec.Raw(event["detail_text"].encode())}
        )

    def _envelope(self, event: Event) -> Event:
        """All but the detail (EventBridge User Guide, Event structure)."""
        _, _, _, region, account, _ = self._rule.arn.split(":", 5)
        return {
            "version": "0",
            "id": event["id"],
            "detail-type": event["detail-type"],
            "source": event["source"],
            "account": account,
            "time": event["time"],
            "region": region,
            "resources": event["resources"],
        }
