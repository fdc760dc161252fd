"""Sweeping: lease the payments that are due, as many as will be looked at in time, and send them to the queues."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from payments.core import schedule
from payments.core.backlog import LEASE_SECONDS, LOOKS_A_SECOND, SENDS_A_SECOND, room, turns
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.pacing import MAX_SENDS_AT_ONCE
from payments.logs import logger
from payments.storage.looks import Due
from payments.wiring import Wiring

MAX_MESSAGES_PER_CALL = 10  # messages that one SendMessageBatch takes
MAX_BATCHES_AT_ONCE = 4  # batches that are leased and sent at the same time, where there is more than one
MARGIN_MILLISECONDS = 5_000  # milliseconds before the function's end at which no more are taken

_TROUBLE = (StorageUnavailableError, BotoCoreError, ClientError)


@dataclass
class Swept:
    """What one run has done. `unread` shards and queues could not be asked; `since` is when the oldest became due."""

    since: int
    sent: int = 0
    failed: int = 0
    unread: int = 0


@dataclass(frozen=True)
class _Queue:
    """One queue: the classes of payments that share it, how many are taken from it at once, and how fast each goes."""

    queue: str
    classes: tuple[str, ...]
    at_once: int
    a_second: int
    may_send: bool


def sweep(wiring: Wiring, remaining: Callable[[], int]) -> Swept:
    """Lease what is due, then send it; a payment whose message is lost comes up again when its lease ends.

    `remaining` tells how many milliseconds there still are for it; what they do not suffice for stays due.
    """
    settings, now = wiring.settings, int(wiring.now())
    asks = (schedule.MONEY, schedule.EXPIRED)
    swept = Swept(since=now)
    for queue in (
        _Queue(settings.sends_queue, (schedule.SENDS,), MAX_SENDS_AT_ONCE, SENDS_A_SECOND, may_send=True),
        _Queue(settings.settle_queue, asks, settings.settle_concurrency, LOOKS_A_SECOND, may_send=False),
    ):
        _fill(queue, now, swept, wiring, remaining)
    return swept


def _fill(queue: _Queue, now: int, swept: Swept, wiring: Wiring, remaining: Callable[[], int]) -> None:
    try:
        free = room(at_once=queue.at_once, a_second=queue.a_second, waiting=_waiting(queue.queue, wiring))
    except _TROUBLE as problem:
        logger.error("a queue was not asked", extra={"queue": queue.queue, "error": type(problem).__name__})
        swept.unread += 1
        free = 0
    free = max(
        free, len(queue.classes)
    )  # the oldest of each is always leased, and tells since when it has been due
    rows = [_due(each, free, now, swept, wiring) for each in queue.classes]
    for chosen, waiting in zip(turns(free, rows), rows, strict=True):
        for batch in _hand_out(chosen, queue, now, wiring, remaining):
            swept.sent += batch.sent
            swept.failed += batch.failed
            swept.since = min(swept.since, batch.since)
        if left := waiting[len(chosen) :]:
            swept.since = min(swept.since, left[0].due_at)


def _waiting(queue: str, wiring: Wiring) -> int:
    """How many messages are in a queue, and nobody has taken them yet."""
    name = "ApproximateNumberOfMessages"
    answer = wiring.queue.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(answer["Attributes"][name])


def _due(due_class: str, free: int, now: int, swept: Swept, wiring: Wiring) -> list[Due]:
    """What of one class is due, most overdue first: of each shard twice its part, for they differ."""
    shards = wiring.settings.due_shards
    found: list[Due] = []
    for key in schedule.keys(due_class, shards):
        try:
            found += wiring.looks.find_due(key, now=now, most=2 * free // shards + 1)
        except _TROUBLE as problem:
            logger.error("a shard was not swept", extra={"shard": key, "error": type(problem).__name__})
            swept.unread += 1
    return sorted(found, key=lambda row: row.due_at)


def _hand_out(
    chosen: Sequence[Due], queue: _Queue, now: int, wiring: Wiring, remaining: Callable[[], int]
) -> list[Swept]:
    batches = [
        chosen[start : start + MAX_MESSAGES_PER_CALL]
        for start in range(0, len(chosen), MAX_MESSAGES_PER_CALL)
    ]

    def handed_out(batch: Sequence[Due]) -> Swept:
        if remaining() <= MARGIN_MILLISECONDS:
            return Swept(since=batch[0].due_at)
        return _lease_and_send(batch, queue, now, wiring)

    if len(batches) <= 1:
        return [handed_out(batch) for batch in batches]
    with ThreadPoolExecutor(MAX_BATCHES_AT_ONCE) as side:
        return list(side.map(handed_out, batches))


def _lease_and_send(batch: Sequence[Due], queue: _Queue, now: int, wiring: Wiring) -> Swept:
    leased = Swept(since=now)
    entries: list[dict[str, str]] = []
    try:
        for row in batch:
            if (since := _lease(row, now, wiring)) is not None:
                leased.since = min(leased.since, since)
                message = {
                    "out_trade_no": row.out_trade_no,
                    "lease": now + LEASE_SECONDS,
                    "may_send": queue.may_send,
                }
                entries.append({"Id": str(len(entries)), "MessageBody": json.dumps(message)})
    except StorageUnavailableError as problem:
        logger.error("a payment was not leased", extra={"error": str(problem)})
        leased.since = min(leased.since, row.due_at)
        leased.failed += len(batch) - len(entries)
    if entries:
        leased.failed += (not_taken := _send_batch(entries, queue, wiring))
        leased.sent = len(entries) - not_taken
    return leased


def _lease(row: Due, now: int, wiring: Wiring) -> int | None:
    """Since when the payment has been due; None when it is not any more, or cannot be read."""
    try:
        payment = wiring.looks.lease(row, until=now + LEASE_SECONDS)
    except RefusedUpdate:
        return None
    except StorageUnavailableError:
        raise
    except Exception as problem:  # noqa: BLE001  an item that cannot be read must not keep all others from being looked at
        cause = type(problem).__name__
        logger.error("a payment cannot be read", extra={"out_trade_no": row.out_trade_no, "error": cause})
        wiring.count("Unreadable")
        return None
    return row.due_at if payment.due_since is None else payment.due_since


def _send_batch(entries: list[dict[str, str]], queue: _Queue, wiring: Wiring) -> int:
    """Send; how many were not taken, and so come up again when their lease ends."""
    try:
        answer = wiring.queue.send_message_batch(QueueUrl=queue.queue, Entries=entries)
    except (BotoCoreError, ClientError) as problem:
        logger.error("a batch was not sent", extra={"queue": queue.queue, "error": type(problem).__name__})
        return len(entries)
    return len(answer.get("Failed", []))
