"""What a stream function's answer means when ReportBatchItemFailures is on."""

from enum import Enum
from typing import Any


class Outcome(Enum):
    """How a batch went."""

    SUCCESS = "success"
    PARTIAL = "partial"  # a valid identifier: go on from there
    FAILURE = "failure"  # the whole batch


def outcome_of(result: Any, sequence_numbers: list[str]) -> tuple[Outcome, int]:
    """The outcome, and for a partial one the index of the first record to try again.

    Rules of the Lambda Developer Guide, Configuring partial batch response with DynamoDB, Success and failure
    conditions: nothing, an empty answer, a null or empty list are success; an empty, null, misnamed or unknown
    identifier fails the whole batch; of several identifiers the lowest counts.
    """
    if result is None or result in ({}, "", []):
        return Outcome.SUCCESS, 0
    if not isinstance(result, dict):
        return Outcome.FAILURE, 0
    failures = result.get("batchItemFailures")
    if failures is None or failures == []:
        return Outcome.SUCCESS, 0
    if not isinstance(failures, list):
        return Outcome.FAILURE, 0
    positions = []
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if identifier not in sequence_numbers:
            return Outcome.FAILURE, 0
        positions.append(sequence_numbers.index(identifier))
    return Outcome.PARTIAL, min(positions)
