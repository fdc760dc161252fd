"""`make republish SINCE=2026-01-31T12:00:00Z`: every event since then again, with the same ids, from the table's own history.

A stream forgets after a day, the history does not. Consumers tell repeated events by their id.
"""

import argparse
import calendar
import sys
import time
from collections.abc import Iterator
from typing import Any

from operations.stack import CannotError, Stack, run
from payments.events import PER_CALL, entries_of


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
    entries = list(_entries(stack, options.since))
    events, failed = stack.client("events"), 0
    for start in range(0, len(entries), PER_CALL):
        answer = events.put_events(Entries=entries[start : start + PER_CALL])
        failed += answer["FailedEntryCount"]
        print(f"republish: {min(start + PER_CALL, len(entries))} of {len(entries)}", flush=True)
    if failed:
        raise CannotError(f"{failed} events were not taken; run it again, repeated events do no harm")
    print(f"republish: {len(entries)} events sent")
    return 0


def _entries(stack: Stack, since: int) -> Iterator[dict[str, Any]]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.output("PaymentsTableName"),
            FilterExpression="updated_at >= :since",
            ExpressionAttributeValues={":since": {"N": str(since)}},
            ConsistentRead=True,
        )
    )
    for page in pages:
        for item in page["Items"]:
            yield from (
                entry
                for entry in entries_of(None, item, bus=stack.output("BusName"))
                if entry["Time"] >= since
            )


def _moment(text: str) -> int:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("must be UTC, like 2026-01-31T12:00:00Z") from problem


if __name__ == "__main__":
    sys.exit(main())
