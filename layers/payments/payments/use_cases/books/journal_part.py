"""One partition of orders: which movements of our journal the trade bill of their day lacks, and what it has twice."""

import itertools
from collections.abc import Iterable, Iterator

from payments.core.books.comparing import lacking_there, movement_key, second_row
from payments.core.books.journal import rows_of
from payments.core.books.partitions import partition_of_order, shard_of_partition
from payments.core.books.results import PartResult
from payments.core.books.rows import MovementRow
from payments.storage.books.results import Part
from payments.use_cases.books.difference_list import Listing
from payments.use_cases.books.trade_part import READ_AT_ONCE
from payments.wiring import Wiring


def compare_journal_part(part: Part, works: Iterable[PartResult], count: int, wiring: Wiring) -> PartResult:
    """Compare partition `part.number` of `count` with what these parts of the trade bill have handed on. Raises StorageUnavailableError."""
    result, listing = PartResult(), Listing(part, wiring)
    billed: set[str] = set()
    for work in works:
        for key, line, amount, ours in wiring.work_files.lines(work.handed_on, part.number):
            if key in billed:
                listing.add([second_row(key, line, amount)])
                continue
            billed.add(key)
            if ours is not None:
                result.ours.count(ours, is_refund=key.startswith("refund#"))
    movements = wiring.journal.movements(part.bill_date, shard_of_partition(part.number))
    lacking = (
        movement
        for movement in movements
        if partition_of_order(movement.out_trade_no, count) == part.number
        and (key := movement_key(movement)) is not None
        and key not in billed
    )
    for movement in _confirmed(lacking, wiring):
        result.ours.count(movement.amount, is_refund=movement.out_refund_no is not None)
        if (difference := lacking_there(movement, movement_key(movement) or "")) is not None:
            listing.add([difference])
    listing.finish(result)
    return result


def _confirmed(movements: Iterator[MovementRow], wiring: Wiring) -> Iterator[MovementRow]:
    """Those that still follow from their payments: the journal may be behind by moments."""
    while batch := list(itertools.islice(movements, READ_AT_ONCE)):
        payments = wiring.store.get_all({movement.out_trade_no for movement in batch})
        for movement in batch:
            payment = payments.get(movement.out_trade_no)
            follows = (
                {}
                if payment is None
                else {movement_key(row): row for row in rows_of(payment) if isinstance(row, MovementRow)}
            )
            now = follows.get(movement_key(movement))
            if now is not None and now.day == movement.day:
                yield now
