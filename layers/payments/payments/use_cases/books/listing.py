"""Lists of orders, the newest first: one page, and where the next one goes on.

Orders that come in meanwhile are newer than the place that a list has got to, so they move nothing in it: whoever follows it to its
end is shown every order once that was there when it began.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from payments.core.books.journal import JOURNAL_SHARDS
from payments.core.books.order_query import OrderQuery, Position, before_day, day_at, position_of
from payments.core.books.period import Period, day_name
from payments.core.books.rows import OrderRow
from payments.wiring import Wiring

if TYPE_CHECKING:
    from payments.storage.books.journal import OrderPage

MAX_EXAMINED = 2000  # orders that one page looks at, whatever it passes over
MAX_READS = 200  # reads of the journal that one page begins: 25 days on which nobody has ordered anything
_AT_ONCE = 250  # orders of one read, where some are passed over
_EVER = 10**10 - 1  # epoch seconds

Read = Callable[[Position | None], "OrderPage"]
"""The orders after a place (None: all), in the order of time, as many as one read brings."""


class ListPage(NamedTuple):
    """Orders, the newest first, and the place after which the next page begins; None at the end of the list."""

    orders: list[OrderRow]
    goes_on: Position | None


def list_orders(query: OrderQuery, after: Position | None, limit: int, wiring: Wiring) -> ListPage:
    """At most `limit` orders after that place. There may be fewer, or none, and yet more to come: one page looks at so many only."""
    found: list[OrderRow] = []
    examined, reads = 0, _Reads(query, limit, wiring)
    for position, row in reads.places(after):
        if row is not None:
            examined += 1
            if query.matches(row):
                found.append(row)
        if len(found) == limit or examined >= MAX_EXAMINED or reads.begun >= MAX_READS:
            return ListPage(found, position)
    return ListPage(found, None)


def in_order(read: Read, after: Position | None) -> Iterator[OrderRow]:
    """All orders after a place, read when they are asked for."""
    while True:
        page = read(after)
        yield from page.rows
        if not page.more:
            return
        after = position_of(page.rows[-1])


class _Reads:
    """One page's reads of the journal, counted."""

    def __init__(self, query: OrderQuery, limit: int, wiring: Wiring) -> None:
        self.begun = 0
        self._query, self._limit, self._journal = query, limit, wiring.journal

    def places(self, after: Position | None) -> Iterator[tuple[Position, OrderRow | None]]:
        """The places of the list after one of them: of every order that is looked at, and of the end of each day."""
        query = self._query
        if query.user_id is None and query.content_id is None and query.period is not None:
            yield from self._by_day(query.period, after)
            return
        for row in in_order(self._by_index, after):
            yield position_of(row), row

    def _by_day(self, period: Period, after: Position | None) -> Iterator[tuple[Position, OrderRow | None]]:
        last = period.last if after is None else min(period.last, day_at(after))
        for day in reversed(range(period.first, last + 1)):
            shards = [
                in_order(self._of_shard(day_name(day), shard), after) for shard in range(JOURNAL_SHARDS)
            ]
            for row in heapq.merge(*shards, key=position_of, reverse=True):
                yield position_of(row), row
            if day > period.first:
                yield before_day(day), None

    def _of_shard(self, day: str, shard: int) -> Read:
        # Of a page whose orders are all wanted each shard has its share, more or less.
        many = _AT_ONCE if self._query.passes_over else self._limit // 4 + 2

        def read(after: Position | None) -> "OrderPage":
            self.begun += 1
            return self._journal.orders_of_day(day, shard, after=after, limit=many)

        return read

    def _by_index(self, after: Position | None) -> "OrderPage":
        self.begun += 1
        query, journal = self._query, self._journal
        since, until = (query.period.begins_at, query.period.ends_before) if query.period else (0, _EVER)
        many = _AT_ONCE if query.passes_over else self._limit
        if query.user_id is not None:
            return journal.orders_of_user(query.user_id, since=since, until=until, after=after, limit=many)
        content_id = query.content_id or ""  # which no order has: one of the two is asked for here
        return journal.orders_of_content(content_id, since=since, until=until, after=after, limit=many)
