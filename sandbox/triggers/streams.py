"""A table's stream delivered to a function as Lambda's poller would: in order, retried, partial failures honoured."""

import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.deployed import StreamMapping
from sandbox.triggers.batches import Outcome, outcome_of
from sandbox.triggers.failures import EXHAUSTED, EXPIRED, Discarded, FailureStore
from sandbox.triggers.poller import Poller
from sandbox.triggers.records import StreamReader

log = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 0.05, 2.0
"""Seconds between attempts after a failure; Lambda backs off too, but does not publish how."""
RETENTION_SECONDS = 24 * 3600
"""Seconds that a stream keeps a record (DynamoDB Developer Guide, Change data capture for DynamoDB Streams)."""

Records = list[dict[str, Any]]


class StreamPump(Poller):
    """Invokes a function with what comes in one stream.

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
        super().__init__(
            aws,
            mapping.stream_arn.split("/")[1],
            name=f"stream-{mapping.function}",
            unreadable=f"the stream for {mapping.function} cannot be read",
        )
        self._mapping = mapping
        self._invoke = invoke
        self._clock = clock
        self._reader = StreamReader(aws, mapping.stream_arn, credentials, clock.time)
        self._failures = None
        if mapping.on_failure is not None:
            self._failures = FailureStore(aws, mapping.on_failure, credentials)
        self.discarded: Records = []
        """Records given up after the last retry, or older than the mapping or the stream lets them be."""
        self.last_failure_error: Exception | None = None
        """Why the last batch that was given up could not be put into the bucket; None when it could."""

    def _poll(self) -> bool:
        records = self._reader.read()
        for first in range(0, len(records), self._mapping.batch_size):
            self._deliver(records[first : first + self._mapping.batch_size])
        return bool(records)

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
