"""A table's stream delivered to a function as Lambda's poller would: in order, retried, partial failures honoured."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.aws import Aws
from sandbox.deployed import StreamMapping
from sandbox.triggers.batches import Outcome, outcome_of
from sandbox.triggers.failures import EXHAUSTED, EXPIRED, Discarded, FailureStore
from sandbox.triggers.records import StreamReader

log = logging.getLogger(__name__)

MIN_IDLE_SECONDS, MAX_IDLE_SECONDS = 0.5, 4.0
"""Seconds between polls that nobody's write asked for: twice as long after each that found nothing, up to the longest."""
FIRST_BACKOFF, LONGEST_BACKOFF = 0.05, 2.0
"""Seconds between attempts after a failure; Lambda backs off too, but does not publish how."""
RETENTION_SECONDS = 24 * 3600
"""Seconds that a stream keeps a record (DynamoDB Developer Guide, Change data capture for DynamoDB Streams)."""

Records = list[dict[str, Any]]


class Clock(Protocol):
    """The sandbox's clock."""

    def time(self) -> float:
        """Seconds since the epoch."""


class StreamPump:
    """Polls one stream in a thread of its own, with the function's own role, and invokes the function.

    `invoke(logical_id, event)` returns the function's result or raises. A restarted pump (another object on the same
    mapping) begins at the oldest record, as a new mapping with TRIM_HORIZON does; delivery is at least once.
    """

    def __init__(
        self,
        aws: Aws,
        mapping: StreamMapping,
        invoke: Callable[[str, dict[str, Any]], Any],
        *,
        credentials: dict[str, str] | None,
        clock: Clock,
    ) -> None:
        self._aws = aws
        self._mapping = mapping
        self._invoke = invoke
        self._clock = clock
        self._reader = StreamReader(aws, mapping.stream_arn, credentials, clock.time)
        self._failures = None
        if mapping.on_failure is not None:
            self._failures = FailureStore(aws, mapping.on_failure, credentials)
        self._table = mapping.stream_arn.split("/")[1]
        self._pending: deque[dict[str, Any]] = deque()
        self._stopping = threading.Event()
        self._delivered = threading.Condition()
        self._caught_up = -1  # count of writes whose records have all been dealt with
        self._thread = threading.Thread(target=self._run, name=f"stream-{mapping.function}", daemon=True)
        self.invocations = 0
        """How many batches the function has been given."""
        self.discarded: Records = []
        """Records given up after the last retry, or older than the mapping or the stream lets them be."""
        self.last_error: Exception | None = None
        """Why the stream could not be read the last time, e.g. a permission that the role lacks; None when it could."""
        self.last_failure_error: Exception | None = None
        """Why the last batch that was given up could not be put into the bucket; None when it could."""

    def start(self) -> None:
        """Begin with the oldest record. Raises RuntimeError when called twice."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the invocation under way, if any, and end."""
        self._stopping.set()
        with self._delivered:
            self._delivered.notify_all()
        self._aws.wake()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until all that is written by now has been delivered or discarded."""
        target = self._aws.writes(self._table)
        with self._delivered:
            self._delivered.wait_for(lambda: self._caught_up >= target or self._stopping.is_set(), timeout)
            return self._caught_up >= target

    def _run(self) -> None:
        idle = MIN_IDLE_SECONDS
        while not self._stopping.is_set():
            seen = self._aws.writes(self._table)
            try:
                self._pending.extend(self._reader.read())
                self.last_error = None
                idle = MIN_IDLE_SECONDS if self._pending else min(2 * idle, MAX_IDLE_SECONDS)
            except (ClientError, BotoCoreError) as fault:
                if not self._stopping.is_set():
                    self._cannot_read(fault)
                self._stopping.wait(MIN_IDLE_SECONDS)
                continue
            while self._pending and not self._stopping.is_set():
                size = min(self._mapping.batch_size, len(self._pending))
                self._deliver([self._pending.popleft() for _ in range(size)])
            if self._stopping.is_set():
                return
            with self._delivered:
                self._caught_up = seen
                self._delivered.notify_all()
            self._aws.wait_for_write(self._table, seen, idle)

    def _cannot_read(self, fault: Exception) -> None:
        if str(fault) != str(self.last_error):  # once, not at every poll
            log.error("the stream for %s cannot be read: %s", self._mapping.function, fault)
        self.last_error = fault

    def _deliver(self, batch: Records) -> None:
        """One batch to its end: delivered or discarded. Halves and remainders go first, so order holds.

        Splitting a batch does not count as a retry (Lambda Developer Guide, error handling for DynamoDB sources).
        """
        work: list[tuple[Records, int]] = [(batch, 0)]  # the last one is next; how often it was tried
        backoff = FIRST_BACKOFF
        while work and not self._stopping.is_set():
            records, tried = work.pop()
            fresh = self._unexpired(records, tried)
            if not fresh:
                continue
            outcome, failed_at, raised = self._attempt(fresh)
            if outcome is Outcome.SUCCESS:
                backoff = FIRST_BACKOFF
                continue
            if outcome is Outcome.PARTIAL and failed_at > 0:
                work.append((fresh[failed_at:], 0))  # progress: a new count
            elif self._mapping.bisect and outcome is Outcome.FAILURE and len(fresh) > 1:
                half = len(fresh) // 2
                work += [(fresh[half:], tried), (fresh[:half], tried)]
            elif self._mapping.maximum_retries != -1 and tried >= self._mapping.maximum_retries:
                self._discard(Discarded(fresh, EXHAUSTED, tried + 1, raised))
                continue
            else:
                work.append((fresh, tried + 1))
            self._stopping.wait(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _attempt(self, records: Records) -> tuple[Outcome, int, bool]:
        """Invoke once; the outcome, for a partial one the index of the first record that failed, whether it raised."""
        self.invocations += 1
        try:
            result = self._invoke(self._mapping.function, {"Records": records})
        except Exception as fault:  # noqa: BLE001  whatever becomes of an invocation, Lambda calls it a failed batch
            log.warning(
                "%s failed on a batch of %d: %s", self._mapping.function, len(records), type(fault).__name__
            )
            return Outcome.FAILURE, 0, True
        if not self._mapping.report_item_failures:
            return Outcome.SUCCESS, 0, False
        return *outcome_of(result, [record["dynamodb"]["SequenceNumber"] for record in records]), False

    def _unexpired(self, records: Records, tried: int) -> Records:
        age = (
            RETENTION_SECONDS
            if self._mapping.maximum_age == -1
            else min(RETENTION_SECONDS, self._mapping.maximum_age)
        )
        oldest = self._clock.time() - age
        expired = [r for r in records if r["dynamodb"]["ApproximateCreationDateTime"] < oldest]
        if expired:
            self._discard(Discarded(expired, EXPIRED, tried, raised=tried > 0))
        return [r for r in records if r["dynamodb"]["ApproximateCreationDateTime"] >= oldest]

    def _discard(self, batch: Discarded) -> None:
        """Give a batch up, into the bucket if there is one; if that fails it is lost, as with Lambda."""
        function = self._mapping.function
        log.error("%d records for %s are discarded: %s", len(batch.records), function, batch.condition)
        self.discarded.extend(batch.records)
        if self._failures is None:
            return
        try:
            self._failures.keep(batch, shard_id=self._reader.shard_id, now=self._clock.time())
            self.last_failure_error = None
        except (ClientError, BotoCoreError) as fault:
            log.error("what %s failed on could not be kept: %s", function, fault)  # noqa: TRY400  a permission
            self.last_failure_error = fault
