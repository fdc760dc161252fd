"""Every minute: the payments that are due for a look go to the queue, each to one looker at a time."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.http import logger
from payments.items import RefusedUpdate, StorageUnavailableError
from payments.wiring import Wiring

LEASE = 180  # seconds for the queue and `settle`; what is lost on the way is due again after that
PER_CALL = 10  # messages that one SendMessageBatch takes
MOST = 200  # of one shard in one run; the rest is still due a minute later
MARGIN = 5_000  # milliseconds before the function's end at which no more are taken

wiring = Wiring()


def lambda_handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """Lease what is due, then send it; a payment whose message is lost comes up again when its lease ends."""
    sent = failed = unread = oldest = 0
    shards = wiring.settings.due_shards
    first = (
        int(wiring.now()) // 60 % shards
    )  # another shard first each minute, should one of them make trouble
    for shard in [*range(first, shards), *range(first)]:
        try:
            counts = _swept(shard, context)
        except (StorageUnavailableError, BotoCoreError, ClientError) as problem:
            logger.error("a shard was not swept", extra={"shard": shard, "error": type(problem).__name__})
            unread += 1
            continue
        sent += counts[0]
        failed += counts[1]
        oldest = max(oldest, counts[2])
    if not unread:  # no number at all is alarming, too
        wiring.measure({"OldestDueSeconds": oldest}, "Seconds")
    failed += unread
    logger.info("swept", extra={"sent": sent, "failed": failed})
    return {"sent": sent, "failed": failed}


def _swept(shard: int, context: Any) -> tuple[int, int, int]:
    """How many were sent, how many failed, and for how many seconds the oldest had been due."""
    sent = failed = 0
    now = int(wiring.now())
    due = wiring.store.due(shard, now=now, most=MOST)
    leased = [
        (number, now + LEASE)
        for number, due_at in due
        if context.get_remaining_time_in_millis() > MARGIN and _lease(number, due_at, now)
    ]
    for start in range(0, len(leased), PER_CALL):
        batch = leased[start : start + PER_CALL]
        refused = _send(batch)
        sent += len(batch) - refused
        failed += refused
    return sent, failed, now - due[0][1] if due else 0


def _lease(out_trade_no: str, due_at: int, now: int) -> bool:
    try:
        wiring.store.lease(out_trade_no, seen=due_at, until=now + LEASE)
    except RefusedUpdate:
        return False
    except StorageUnavailableError:
        raise
    except Exception as problem:  # noqa: BLE001  an item that cannot be read must not keep all others from being looked at
        logger.error(
            "a payment cannot be read", extra={"out_trade_no": out_trade_no, "error": type(problem).__name__}
        )
        wiring.count("Unreadable")
        return False
    return True


def _send(batch: list[tuple[str, int]]) -> int:
    entries = [
        {"Id": str(place), "MessageBody": json.dumps({"out_trade_no": number, "lease": until})}
        for place, (number, until) in enumerate(batch)
    ]
    answer = wiring.queue.send_message_batch(QueueUrl=wiring.settings.settle_queue, Entries=entries)
    return len(answer.get("Failed", []))
