"""The journal: which rows follow from a payment, where each is kept, and what a change of the payment does to them.

All of it follows from the payment alone, so the rows can be made again at any time, and come out the same.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from payments.core.books.rows import Kind, MovementRow, OrderRow
from payments.core.lifecycle import MAX_REFUNDS, REFUND_SUCCEEDED, RefundStatus
from payments.core.payment import Payment, Refund
from payments.core.times import beijing, day_of, day_text

JOURNAL_SHARDS = 8
"""Over how many partitions each day is spread. Never changes: rows would be looked for where they are not."""

Row = OrderRow | MovementRow


@dataclass(frozen=True)
class RowKey:
    """Where a row is kept: `2026-11-28#3`, and within that its place."""

    day_shard: str
    row: str


@dataclass(frozen=True)
class Change:
    """What is to be written so that the journal shows a payment as it is now; `progress` says how far that had come."""

    progress: int
    written: tuple[Row, ...]
    gone: tuple[RowKey, ...]


def rows_of(payment: Payment) -> tuple[Row, ...]:
    """All rows of a payment: its order, and each movement of its money that WeChat Pay has told the day of.

    A movement stands on WeChat Pay's own day. Where its moment was never told the nearest that we know takes its place: of a
    payment, and of the end of a refund, when we heard of it; of a refund of ours, when it was sent. A refund made elsewhere of which
    only a notification has told is not in the journal before it was asked about.
    """
    return (_order(payment), *_movements(payment))


def changes(images: Sequence[Payment | None]) -> Change:
    """What there is to write after these images of one payment, oldest first; the first is what is written already, or None."""
    newest = images[-1]
    if newest is None:
        raise ValueError("the newest image is the payment")
    known = {} if images[0] is None else _by_key(images[0])
    now = _by_key(newest)
    gone = {key for image in images[:-1] if image is not None for key in _by_key(image)} - now.keys()
    written = tuple(row for key, row in now.items() if known.get(key) != row)
    return Change(progress(newest), written, tuple(sorted(gone, key=lambda key: (key.day_shard, key.row))))


def progress(payment: Payment) -> int:
    """How far a payment has come, as one number: whatever changes a row of it makes it larger.

    The moment of a refund may become known without a transition, and never changes again.
    """
    dated = sum(refund.create_time is not None for refund in payment.refunds.values())
    return payment.version * (MAX_REFUNDS + 1) + dated


def key_of(row: Row) -> RowKey:
    """Where a row is kept. It follows from numbers, kind and day, so a second run overwrites."""
    if isinstance(row, OrderRow):
        place = f"{Kind.ORDER}#{created_key(row.created_at, row.out_trade_no)}"
    else:
        names = (row.kind.value, row.out_trade_no, row.out_refund_no)
        place = "#".join(name for name in names if name is not None)
    return RowKey(day_shard(row.day, shard_of(row.out_trade_no)), place)


def number_in(key: RowKey) -> str | None:
    """The out_trade_no in a key, or None for one that `key_of` never makes."""
    parts = key.row.split("#")
    place = 2 if parts[0] == Kind.ORDER else 1
    return parts[place] if len(parts) > place else None


def created_key(created_at: int, out_trade_no: str) -> str:
    """The place of an order among others, in order of time; `created_at` in epoch seconds."""
    return f"{created_at:010}#{out_trade_no}"


def day_shard(day: str, shard: int) -> str:
    """The hash key of one shard of a day."""
    return f"{day}#{shard}"


def shard_of(out_trade_no: str) -> int:
    """The shard of an order and all its movements, 0 to 7; always the same."""
    return int(hashlib.sha256(out_trade_no.encode()).hexdigest()[:8], 16) % JOURNAL_SHARDS


def _by_key(payment: Payment) -> dict[RowKey, Row]:
    return {key_of(row): row for row in rows_of(payment)}


def _order(payment: Payment) -> OrderRow:
    return OrderRow(
        out_trade_no=payment.out_trade_no,
        payment_id=payment.payment_id,
        user_id=payment.user_id,
        content_id=payment.content_id,
        method=payment.method,
        subject=payment.subject,
        currency=payment.currency,
        status=payment.status,
        version=payment.version,
        amount=payment.amount,
        paid=payment.paid,
        refunding=payment.refunding,
        refunded=payment.refunded,
        created_at=payment.created_at,
        day=day_text(payment.created_at),
        transaction_id=payment.transaction_id,
        success_time=payment.success_time,
        checkout_id=payment.checkout_id,
    )


def _movements(payment: Payment) -> Iterator[MovementRow]:
    if payment.transaction_id is None:
        return
    at, day = _moment(payment.success_time, payment.completed_at or payment.updated_at)
    yield MovementRow(
        Kind.PAID, payment.out_trade_no, payment.transaction_id, amount=payment.paid, at=at, day=day
    )
    for refund in payment.refunds.values():
        if refund.refund_id is None:
            continue  # WeChat Pay has not taken it, or never did
        sent_at = None if refund.elsewhere else refund.sent_at or refund.created_at
        if refund.create_time is not None or sent_at is not None:
            yield _refund(
                payment, refund, Kind.REFUND, *_moment(refund.create_time, sent_at or refund.created_at)
            )
        if refund.status is RefundStatus.SUCCEEDED:
            ended = _moment(refund.success_time, _heard_at(payment, refund))
            yield _refund(payment, refund, Kind.REFUND_ENDED, *ended)


def _refund(payment: Payment, refund: Refund, kind: Kind, at: str, day: str) -> MovementRow:
    return MovementRow(
        kind,
        payment.out_trade_no,
        payment.transaction_id or "",
        amount=refund.amount,
        at=at,
        day=day,
        out_refund_no=refund.out_refund_no,
        refund_id=refund.refund_id,
        refund_status=refund.status,
    )


def _moment(told: str | None, otherwise: int) -> tuple[str, str]:
    """The text of a moment and its day; `otherwise` (epoch seconds) where WeChat Pay's own is missing or no moment."""
    try:
        if told is not None:
            return told, day_of(told)
    except ValueError:
        pass
    return beijing(otherwise), day_text(otherwise)


def _heard_at(payment: Payment, refund: Refund) -> int:
    """When we heard that a refund had gone back, epoch seconds."""
    for entry in payment.history:
        if entry.out_refund_no == refund.out_refund_no and entry.event == REFUND_SUCCEEDED.event:
            return entry.at
    return payment.updated_at
