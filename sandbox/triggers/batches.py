"""What a stream or queue function's answer means when ReportBatchItemFailures is on."""

from enum import Enum
from typing import Any


class Outcome(Enum):
    """How a batch went."""

    SUCCESS = "success"
    PARTIAL = "partial"  # a valid identifier: go on from there
    FAILURE = "failure"  # the whole batch


def outcome_of(result: Any, sequence_numbers: list[str]) -> tuple[Outcome, int]:
    """The outcome of a stream batch, and for a partial one the index of the first record to try again: the lowest."""
    failed = failures_of(result, sequence_numbers)
    if failed is None:
        return Outcome.FAILURE, 0
    if not failed:
        return Outcome.SUCCESS, 0
    return Outcome.PARTIAL, min(map(sequence_numbers.index, failed))


def failures_of(result: Any, identifiers: list[str]) -> set[str] | None:
    """The items that the answer names as failed; None when it fails the whole batch.

    Rules of the Lambda Developer Guide, Success and failure conditions of partial batch responses (the same in
    "with DynamoDB" and in "Handling errors for an SQS event source"): nothing, an empty answer, a null or empty list
    are success; an empty, null, misnamed or unknown identifier fails the whole batch.
    """
    if result is None or result in ({}, "", []):
        return set()
    if not isinstance(result, dict):
        return None
    failures = result.get("batchItemFailures")
    if failures is None or failures == []:
        return set()
    if not isinstance(failures, list):
        return None
    failed = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in identifiers:
            return None
        failed.add(identifier)
    return failed
