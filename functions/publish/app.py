"""The payments table's stream to EventBridge: every transition that names an event goes out, at least once."""

from collections import Counter
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.events import MAX_ENTRIES_PER_CALL, RESTORED, entries_of
from payments.core.lifecycle import EVENTS
from payments.logs import logger
from payments.storage.unpublished import NotKeptError
from payments.wiring import Wiring

# EventBridge's refusals of one entry for what it is: it will refuse it again.
FINAL_CODES = ("MalformedDetail", "InvalidArgument")

wiring = Wiring(ahead=("events",))

Record = dict[str, Any]


class PublishedEvent(NamedTuple):
    """One event, and the record that tells it."""

    record: Record
    event_id: str
    entry: dict[str, Any]


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Publish what the records tell; the first record that failed, and all after it, are delivered again.

    A record that cannot be read, or whose event is refused for what it is, is put aside: a retry would only keep back
    everything behind it.
    """
    events: list[PublishedEvent] = []
    failed: Record | None = None
    for record in event["Records"]:
        try:
            events += _events_of(record)
        except Exception as problem:  # noqa: BLE001  whatever makes it unreadable, it stays so
            if not _put_aside(record, type(problem).__name__):
                failed = record
                break
    for start in range(0, len(events), MAX_ENTRIES_PER_CALL):
        if (first := _put(events[start : start + MAX_ENTRIES_PER_CALL])) is not None:
            failed = first
            break
    if failed is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}


def _events_of(record: Record) -> list[PublishedEvent]:
    change = record["dynamodb"]
    if record["eventName"] == "REMOVE":
        return []
    if record["eventName"] == "INSERT" and RESTORED in change["NewImage"]:
        return []  # it was told of before, under the same ids
    entries = entries_of(change.get("OldImage"), change["NewImage"], bus=wiring.settings.event_bus)
    return [PublishedEvent(record, event_id, entry) for event_id, entry in entries]


def _put(batch: list[PublishedEvent]) -> Record | None:
    """One PutEvents; the first record that has to come again, or None."""
    try:
        answer = wiring.events.put_events(Entries=[event.entry for event in batch])
    except (BotoCoreError, ClientError) as problem:
        logger.error("events were not taken", extra={"error": type(problem).__name__, "events": len(batch)})
        return batch[0].record
    for event, result in zip(batch, answer["Entries"], strict=True):
        if (code := result.get("ErrorCode")) is None:
            continue
        logger.error(
            "an event was not taken",
            extra={"error": code, "detail_type": event.entry["DetailType"], "event_id": event.event_id},
        )
        if code not in FINAL_CODES or not _put_aside(event.record, code):
            return event.record
    counted = Counter(event.entry["DetailType"] for event in batch)
    wiring.measure({name: counted[name] for name in EVENTS})  # noughts too: rates are made of them
    logger.info(
        "events published", extra={"events": len(batch), "event_ids": [event.event_id for event in batch]}
    )
    return None


def _put_aside(record: Record, reason: str) -> bool:
    log_context = {"sequence_number": record["dynamodb"]["SequenceNumber"], "error": reason}
    try:
        key = wiring.unpublished.keep(record, reason=reason, now=int(wiring.now()))
    except NotKeptError as problem:
        logger.error("a record cannot be published, nor kept", extra={**log_context, "cause": str(problem)})
        return False
    logger.error("a record cannot be published", extra={**log_context, "key": key})
    wiring.count("Unpublished")
    return True
