"""Where the journal is kept: rows by day and shard, orders also by user and by content.

Each row says how far its payment had come, and only what has come as far overwrites it: the same once more, or what comes late,
does no harm. What became of a day that became better known is marked as gone instead of deleted, so that nothing
late can bring it back; the mark ends by itself (TTL).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from payments.core.books.journal import Change, Row, RowKey, created_key, day_shard
from payments.core.books.rows import Kind, MovementRow, OrderRow
from payments.core.errors import RefusedUpdate
from payments.storage.books.journal_item import J, JournalItem, gone, item_of, movement_of, order_of, row_of
from payments.storage.items import conditional_write, read

GONE_SECONDS = 30 * 24 * 3600
"""Seconds for which a row that is gone keeps what is late from bringing it back; the stream forgets after a day."""
_ORDERS = Kind.ORDER.value
_AFTER_ORDERS = "p"  # orders' places are before it, movements' behind

Position = tuple[int, str]
"""Where an order stands among others in order of time: its `created_at` in epoch seconds, and its number."""


@dataclass(frozen=True)
class OrderPage:
    """Some orders, in order of time; `more` tells that there may be others behind the last."""

    rows: tuple[OrderRow, ...]
    more: bool


@dataclass(frozen=True)
class Kept:
    """What lies at one place of the table: a row, or (None) the mark that it is there no more."""

    key: RowKey
    progress: int
    row: Row | None


class JournalStore:
    """One stack's journal. Amounts in fen, times in epoch seconds. Every method raises StorageUnavailableError."""

    def __init__(self, *, journal_table: str) -> None:
        J.Meta.table_name = journal_table

    def write(self, change: Change, *, now: int) -> None:
        """Write what a change of one payment means; rows of a payment that had come farther stay as they are."""
        for row in change.written:
            _put(item_of(row, change.progress))
        for key in change.gone:
            _put(gone(key, change.progress, expires_at=now + GONE_SECONDS))

    def movements(self, day: str, shard: int) -> Iterator[MovementRow]:
        """Every movement of one shard of a day, as of now (consistent reads), page by page."""
        rows = J.query(day_shard(day, shard), J.row >= _AFTER_ORDERS, consistent_read=True)
        while (item := read(lambda: next(rows, None))) is not None:
            if "kind" in item.raw:
                yield movement_of(item.raw)

    def everything(self, *, segment: int, segments: int) -> Iterator[Kept]:
        """All that lies in one of so many segments of the table, as of now, in no order."""
        items = J.scan(segment=segment, total_segments=segments, consistent_read=True)
        while (item := read(lambda: next(items, None))) is not None:
            raw = item.raw
            key = RowKey(raw["day_shard"]["S"], raw["row"]["S"])
            yield Kept(key, int(raw["progress"]["N"]), row_of(raw))

    def correct(self, seen: Kept, row: Row | None, *, progress: int) -> bool:
        """Put the row of a payment that has come so far in the place of what was `seen`, or (None) nothing; False when that has changed since."""
        as_seen = J.progress == seen.progress
        item = J(**vars(seen.key)) if row is None else item_of(row, progress)
        try:
            conditional_write(lambda: item.delete(as_seen) if row is None else item.save(as_seen))
        except RefusedUpdate:
            return False
        return True

    def orders_of_day(
        self, day: str, shard: int, *, after: Position | None = None, limit: int, newest_first: bool = True
    ) -> OrderPage:
        """Orders of one shard of a day, at most `limit`, behind the position `after`; there need be no order at that."""
        places = _Places(f"{_ORDERS}#", f"{_ORDERS}$", prefix=f"{_ORDERS}#")
        return places.page(J.query, day_shard(day, shard), J.row, after, limit, newest_first=newest_first)

    def orders_of_user(
        self,
        user_id: str,
        *,
        since: int,
        until: int,
        after: Position | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> OrderPage:
        """Orders of a user made from `since` on and before `until`, at most `limit`, behind the position `after`.

        The index may lag behind by moments.
        """
        places = _Places(f"{since:010}", f"{until:010}")
        return places.page(J.by_user.query, user_id, J.created, after, limit, newest_first=newest_first)

    def orders_of_content(
        self,
        content_id: str,
        *,
        since: int,
        until: int,
        after: Position | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> OrderPage:
        """Orders of a content likewise."""
        places = _Places(f"{since:010}", f"{until:010}")
        return places.page(J.by_content.query, content_id, J.created, after, limit, newest_first=newest_first)


@dataclass(frozen=True)
class _Places:
    """From the first to the last place that is asked for, both included."""

    first: str
    last: str
    prefix: str = ""

    def page(
        self, query: Any, key: str, place: Any, after: Position | None, limit: int, *, newest_first: bool
    ) -> OrderPage:
        first, last = self.first, self.last
        if after is not None:
            # The places just before and just behind it: numbers are letters and digits.
            at = self.prefix + created_key(*after)
            if newest_first:
                last = min(last, f"{at[:-1]}{chr(ord(at[-1]) - 1)}~")
            else:
                first = max(first, f"{at} ")
        if first > last:
            return OrderPage((), more=False)

        def run() -> OrderPage:
            found = query(key, place.between(first, last), scan_index_forward=not newest_first, limit=limit)
            rows = tuple(order_of(item.raw) for item in found)
            return OrderPage(rows, more=found.last_evaluated_key is not None)

        return read(run)


def _put(item: JournalItem) -> None:
    # What had come farther is there already: nothing is left to do.
    with suppress(RefusedUpdate):
        conditional_write(lambda: item.save(J.row.does_not_exist() | (J.progress <= item.progress)))
