"""Exports: asked for, made in the background, told of.

Whoever makes one may die anywhere: its message comes again, and the file is written anew, under a name of its own. A file is there
whole or not at all, and the export is done only after it; the first that is whole is its file.
"""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.books.csv_text import MOVEMENT_COLUMNS, ORDER_COLUMNS, csv_pieces
from payments.core.books.export import MAX_ROWS, Export, ExportKind, ExportStatus
from payments.core.books.journal import JOURNAL_SHARDS
from payments.core.books.order_query import Position, position_of
from payments.core.books.period import Period, day_name, day_number
from payments.core.books.rows import MovementRow, OrderRow
from payments.core.errors import IdempotencyMismatchError, RefusedUpdate, TryAgainError
from payments.use_cases.books.listing import Read, in_order
from payments.wiring import Wiring

if TYPE_CHECKING:
    from payments.storage.books.journal import OrderPage

_AT_ONCE = 500  # orders of one read

T = TypeVar("T")


class TooManyRowsError(Exception):
    """More rows than one file may have."""


def begin_export(wanted: Export, wiring: Wiring) -> Export:
    """Keep what is wanted and have it made; the same once more is the same export, as it stands.

    Raises IdempotencyMismatchError where its id is another's, TryAgainError where it may not have come about.
    """
    export = wanted
    try:
        wiring.exports.create(wanted)
    except RefusedUpdate:
        found = wiring.exports.get(wanted.export_id)
        if found is None:
            raise TryAgainError("The export's storage did not answer.") from None
        if not found.asks_like(wanted):
            raise IdempotencyMismatchError("This Idempotency-Key was used for another export.") from None
        export = found
    if export.status is ExportStatus.RUNNING:  # whoever asked before may have died before this
        _send(export, wiring)
    return export


def make_export(export_id: str, wiring: Wiring) -> Export | None:
    """Write the file of an export that is wanted, and say so; returns it as it is then. None where there is none (any more)."""
    export = wiring.exports.get(export_id)
    if export is None or export.is_over(wiring.now()):
        return None
    if export.status is not ExportStatus.RUNNING:
        return export
    period = Period(day_number(export.first_day), day_number(export.last_day))
    counted = _Counted()
    if export.kind is ExportKind.ORDERS:
        pieces = csv_pieces(ORDER_COLUMNS, counted.over(orders_of(period, wiring)))
    else:
        pieces = csv_pieces(MOVEMENT_COLUMNS, counted.over(movements_of(period, wiring)))
    file = export.file_of(wiring.nonce())
    try:
        wiring.export_files.write(file, pieces)
        ended = replace(export, status=ExportStatus.DONE, rows=counted.rows, file=file)
    except TooManyRowsError:
        reason = f"over {MAX_ROWS} rows; ask for fewer days"
        ended = replace(export, status=ExportStatus.FAILED, reason=reason)
    wiring.exports.end(ended)
    return ended


def orders_of(period: Period, wiring: Wiring) -> Iterator[OrderRow]:
    """Every order of these days, the oldest first, read as they are asked for."""
    for day in map(day_name, period.days):
        shards = [in_order(_shard(day, shard, wiring), None) for shard in range(JOURNAL_SHARDS)]
        yield from heapq.merge(*shards, key=position_of)


def movements_of(period: Period, wiring: Wiring) -> Iterator[MovementRow]:
    """Every movement of money of these days, day by day, read as they are asked for."""
    for day in map(day_name, period.days):
        for shard in range(JOURNAL_SHARDS):
            yield from wiring.journal.movements(day, shard)


def _shard(day: str, shard: int, wiring: Wiring) -> Read:
    def read(after: Position | None) -> "OrderPage":
        return wiring.journal.orders_of_day(day, shard, after=after, limit=_AT_ONCE, newest_first=False)

    return read


class _Counted:
    """Rows that pass through, counted."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, rows: Iterable[T]) -> Iterator[T]:
        """The same rows. Raises TooManyRowsError for the first that is too many."""
        for row in rows:
            self.rows += 1
            if self.rows > MAX_ROWS:
                raise TooManyRowsError
            yield row


def _send(export: Export, wiring: Wiring) -> None:
    message = json.dumps({"exportId": export.export_id})
    try:
        wiring.queue.send_message(QueueUrl=wiring.settings.exports_queue, MessageBody=message)
    except (BotoCoreError, ClientError) as problem:
        raise TryAgainError("The export could not be begun.") from problem
