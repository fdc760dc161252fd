"""The payments table's stream to EventBridge: every transition that names an event goes out, at least once."""

from collections import Counter
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.events import PER_CALL, RESTORED, entries_of
from payments.core.lifecycle import EVENTS
from payments.logs import logger
from payments.storage.unpublished import NotKeptError
from payments.wiring import Wiring

# EventBridge's refusals of one entry for what it is: it will refuse it again.
FOR_GOOD = ("MalformedDetail", "InvalidArgument")

wiring = Wiring()

Record = dict[str, Any]


class Told(NamedTuple):
    """One event, and the record that tells it."""

    record: Record
    event_id: str
    entry: dict[str, Any]


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Publish what the records tell; the first record that failed, and all after it, are delivered again.

    A record that cannot be read, or whose event is refused for what it is, is put aside: a retry would only keep back
    everything behind it.
    """
    told: list[Told] = []
    failed: Record | None = None
    for record in event["Records"]:
        try:
            told += _told_by(record)
        except Exception as problem:  # noqa: BLE001  whatever makes it unreadable, it stays so
            if not _put_aside(record, type(problem).__name__):
                failed = record
                break
    for start in range(0, len(told), PER_CALL):
        if (first := _put(told[start : start + PER_CALL])) is not None:
            failed = first
            break
    if failed is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}


def _told_by(record: Record) -> list[Told]:
    change = record["dynamodb"]
    if record["eventName"] == "REMOVE":
        return []
    if record["eventName"] == "INSERT" and RESTORED in change["NewImage"]:
        return []  # it was told of before, under the same ids
    entries = entries_of(change.get("OldImage"), change["NewImage"], bus=wiring.settings.event_bus)
    return [Told(record, event_id, entry) for event_id, entry in entries]


def _put(batch: list[Told]) -> Record | None:
    """One PutEvents; the first record that has to come again, or None."""
    try:
        answer = wiring.events.put_events(Entries=[told.entry for told in batch])
    except (BotoCoreError, ClientError) as problem:
        logger.error("events were not taken", extra={"error": type(problem).__name__, "events": len(batch)})
        return batch[0].record
    for told, result in zip(batch, answer["Entries"], strict=True):
        if (code := result.get("ErrorCode")) is None:
            continue
        logger.error(
            "an event was not taken",
            extra={"error": code, "detail_type": told.entry["DetailType"], "event_id": told.event_id},
        )
        if code not in FOR_GOOD or not _put_aside(told.record, code):
            return told.record
    counted = Counter(told.entry["DetailType"] for told in batch)
    wiring.measure({name: counted[name] for name in EVENTS})  # noughts too: rates are made of them
    logger.info(
        "events published", extra={"events": len(batch), "event_ids": [told.event_id for told in batch]}
    )
    return None


def _put_aside(record: Record, reason: str) -> bool:
    line = {"sequence_number": record["dynamodb"]["SequenceNumber"], "error": reason}
    try:
        key = wiring.unpublished.keep(record, reason=reason, now=int(wiring.now()))
    except NotKeptError as problem:
        logger.error("a record cannot be published, nor kept", extra={**line, "cause": str(problem)})
        return False
    logger.error("a record cannot be published", extra={**line, "key": key})
    wiring.count("Unpublished")
    return True
