"""Events of the bus handed on as they come; what fails is tried again on the sandbox's clock, and in the end given up."""

import heapq
import itertools
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.triggers.trigger import Trigger

Event = dict[str, Any]


class Deliveries(Trigger):
    """Hands on each event that is its business, `at_once` of them at the same time; begun in the order of the bus.

    One that fails waits for the next of `waits` (seconds), and holds up nothing that comes after it.
    """

    def __init__(self, name: str, aws: Aws, clock: Clock, *, waits: tuple[float, ...], at_once: int) -> None:
        super().__init__(name)
        self._name, self._aws, self._clock = name, aws, clock
        self._waits, self._at_once = waits, at_once
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, int, Event]] = []  # due at, number, how often it was tried
        self._under_way = 0
        self.discarded: list[Event] = []
        """Events given up after the last retry."""

    @abstractmethod
    def _takes(self, event: Event) -> bool:
        """Whether this event is its business."""

    @abstractmethod
    def _hand_over(self, event: Event) -> None:
        """Hand it on; whatever it raises makes it a failure."""

    @abstractmethod
    def _tell_failure(self, event: Event, fault: Exception, wait: float | None) -> None:
        """Say that it failed, and when it is tried again: in `wait` seconds, or never."""

    def start(self) -> None:
        """Begin with the next event that the bus takes. Raises RuntimeError when called twice."""
        super().start()
        self._clock.on_advance(self._wake)
        self._aws.on_events(self._take)

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until no event is due and none on its way; not when stopped."""
        return (
            self._wait_until(lambda: not (self._under_way or self._due()), timeout) or self._stopping.is_set()
        )

    def _take(self, events: list[Event]) -> None:
        taken = [event for event in events if self._takes(event)]
        with self._state:
            for event in taken:
                self._wait(event, 0, self._clock.time())
            self._state.notify_all()

    def _wait(self, event: Event, tried: int, due: float) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), tried, event))

    def _due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._clock.time()

    def _run(self) -> None:
        with ThreadPoolExecutor(self._at_once, self._name) as workers:
            while True:
                with self._state:
                    while not self._stopping.is_set() and not (
                        self._due() and self._under_way < self._at_once
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
        failed, wait = False, None
        try:
            self._hand_over(event)
        except Exception as fault:  # noqa: BLE001  whatever becomes of it, it did not arrive
            failed, wait = True, self._waits[tried] if tried < len(self._waits) else None
            if not self._stopping.is_set():
                self._tell_failure(event, fault, wait)
        with self._state:
            self._under_way -= 1
            if wait is not None:
                self._wait(event, tried + 1, self._clock.time() + wait)
            elif failed:
                self.discarded.append(event)
            self._state.notify_all()
