"""A trigger that polls AWS with its function's role, as Lambda's pollers do: at once after a write, else ever more seldom."""

import logging
from abc import abstractmethod

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.aws import Aws
from sandbox.triggers.trigger import Trigger

log = logging.getLogger(__name__)

MIN_IDLE_SECONDS, MAX_IDLE_SECONDS = 0.5, 4.0
"""Seconds between polls that no write asked for, as for a message whose visibility timeout has passed: twice as long after
each that found nothing, up to the longest."""


class Poller(Trigger):
    """Polls one stream or queue: `place` is what `Aws.writes` counts of it, a table's name or a queue's ARN.

    `unreadable` is the sentence to be logged where that cannot be read.
    """

    def __init__(self, aws: Aws, place: str, *, name: str, unreadable: str) -> None:
        super().__init__(name)
        self._aws = aws
        self._place = place
        self._unreadable = unreadable
        self._under_way = 0  # invocations
        self._asked = 0  # how often somebody wanted it drained, and up to which time it has been
        self._drained = 0
        self._faults: dict[str, Exception] = {}

    @property
    def last_error(self) -> Exception | None:
        """Why AWS could not be used the last time, e.g. a permission that the role lacks; None when it could."""
        return next(iter(self._faults.values()), None)

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until all that can be read now is dealt with and no invocation under way."""
        with self._state:
            self._asked += 1
            target = self._asked
        self._aws.wake()
        return self._wait_until(lambda: self._drained >= target, timeout)

    def _wake(self) -> None:
        super()._wake()
        self._aws.wake()

    def _run(self) -> None:
        idle = MIN_IDLE_SECONDS
        while self._is_free():
            woken, seen, asked = self._aws.wakes(), self._aws.writes(self._place), self._asked
            try:
                found = self._poll()
            except (ClientError, BotoCoreError) as fault:
                self._fail(self._unreadable, fault)
                self._stopping.wait(MIN_IDLE_SECONDS)
                continue
            self._faults.pop(self._unreadable, None)
            if found:
                idle = MIN_IDLE_SECONDS
                continue
            with self._state:
                if not self._under_way:
                    self._drained = asked
                    self._state.notify_all()
            self._aws.wait_for_write(self._place, seen, idle, woken)
            idle = min(2 * idle, MAX_IDLE_SECONDS)

    def _fail(self, sentence: str, fault: Exception) -> None:
        """Keep why AWS could not be used, under that sentence, and log it: once, not at every poll."""
        if self._stopping.is_set():
            return
        if str(fault) != str(self._faults.get(sentence)):
            log.error("%s: %s", sentence, fault)
        self._faults[sentence] = fault

    def _is_free(self) -> bool:
        """Whether to poll (again); may wait for it. False at the end."""
        return not self._stopping.is_set()

    @abstractmethod
    def _poll(self) -> bool:
        """Read once and have it delivered; whether there was something. Raises botocore's errors."""
