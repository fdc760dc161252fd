"""`make republish SINCE=2026-01-31T12:00:00Z`: every event since then again, with the same ids, from the tables themselves.

A stream keeps its records for a day; a payment's history is kept for ever, a notification for 90 days. Consumers tell repeated events by their id.
"""

import argparse
import calendar
import sys
import time
from collections.abc import Iterator
from typing import Any

from operations.stack import CannotError, Stack, run
from payments.core.events import MAX_ENTRIES_PER_CALL, entries_of


def main() -> int:
    """Walk the table and publish. Returns the exit status."""
    return run(
        (__doc__ or "").partition("\n")[0],
        _republish,
        lambda parser: parser.add_argument(
            "--since", required=True, type=_moment, help="UTC, like 2026-01-31T12:00:00Z"
        ),
    )


def _republish(stack: Stack, options: argparse.Namespace) -> int:
    unreadable: list[str] = []
    entries = list(_entries(stack, options.since, unreadable))
    events, failed = stack.client("events"), 0
    for start in range(0, len(entries), MAX_ENTRIES_PER_CALL):
        answer = events.put_events(Entries=entries[start : start + MAX_ENTRIES_PER_CALL])
        failed += answer["FailedEntryCount"]
        print(f"republish: {min(start + MAX_ENTRIES_PER_CALL, len(entries))} of {len(entries)}", flush=True)
    if failed:
        raise CannotError(f"{failed} events were not taken; run it again, repeated events do no harm")
    print(f"republish: {len(entries)} events sent")
    if unreadable:
        raise CannotError(f"these payments cannot be read: {', '.join(unreadable)}")
    return 0


def _entries(stack: Stack, since: int, unreadable: list[str]) -> Iterator[dict[str, Any]]:
    """The events since then; the numbers of payments that cannot be read are added to `unreadable`."""
    for item in _changed(stack, "PaymentsTableName", "updated_at", since):
        try:
            entries = [entry for _, entry in entries_of(None, item, bus=stack.output("BusName"))]
        except (KeyError, TypeError, ValueError):
            unreadable.append(item["out_trade_no"]["S"])
            continue
        yield from (entry for entry in entries if entry["Time"] >= since)
    for item in _changed(stack, "NotificationsTableName", "seen_at", since):
        yield from (entry for _, entry in entries_of(None, item, bus=stack.output("BusName")))


def _changed(stack: Stack, table: str, moment: str, since: int) -> Iterator[dict[str, Any]]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.output(table),
            FilterExpression=f"{moment} >= :since",
            ExpressionAttributeValues={":since": {"N": str(since)}},
            ConsistentRead=True,
        )
    )
    for page in pages:
        yield from page["Items"]


def _moment(text: str) -> int:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("must be UTC, like 2026-01-31T12:00:00Z") from problem


if __name__ == "__main__":
    sys.exit(main())
