"""The payments table's stream to EventBridge: every transition that names an event goes out, at least once."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.events import PER_CALL, entries_of
from payments.http import logger
from payments.wiring import Wiring

wiring = Wiring()


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Publish what the records tell; the first record that failed, and all after it, are delivered again."""
    published: list[tuple[str, dict[str, Any]]] = []
    for record in event["Records"]:
        change = record["dynamodb"]
        if "NewImage" in change:
            entries = entries_of(change.get("OldImage"), change["NewImage"], bus=wiring.settings.event_bus)
            published += [(change["SequenceNumber"], entry) for entry in entries]
    for start in range(0, len(published), PER_CALL):
        if failed := _put(published[start : start + PER_CALL]):
            return {"batchItemFailures": [{"itemIdentifier": failed}]}
    return {"batchItemFailures": []}


def _put(batch: list[tuple[str, dict[str, Any]]]) -> str | None:
    """One PutEvents; the sequence number of the first record whose event was not taken, or None."""
    try:
        answer = wiring.events.put_events(Entries=[entry for _, entry in batch])
    except (BotoCoreError, ClientError) as problem:
        logger.error("events were not taken", extra={"error": type(problem).__name__, "events": len(batch)})
        return batch[0][0]
    for (sequence_number, entry), result in zip(batch, answer["Entries"], strict=True):
        if "ErrorCode" in result:
            logger.error(
                "an event was not taken",
                extra={"error": result["ErrorCode"], "detail_type": entry["DetailType"]},
            )
            return sequence_number
    logger.info("events published", extra={"events": len(batch)})
    return None
