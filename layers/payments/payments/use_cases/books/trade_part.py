"""One part of the trade bill: its rows against our payments, what can be repaired is, and what others need of it is handed on."""

import itertools
from collections.abc import Iterator

from payments.core.books.booking import traded
from payments.core.books.comparing import amount_of, compare, key_of, ours_of
from payments.core.books.differences import Difference, DifferenceKind
from payments.core.books.neighbours import is_of
from payments.core.books.partitions import partition_of, partition_of_order
from payments.core.books.results import PartResult
from payments.core.books.rows import TradeRow
from payments.core.payment import Payment
from payments.storage.books.fees import record_fee
from payments.storage.books.results import Part
from payments.use_cases.books.difference_list import Listing
from payments.use_cases.books.repairing import Repairs
from payments.wiring import Wiring

READ_AT_ONCE = 100  # payments that one BatchGetItem takes

_HAS_COST = (
    DifferenceKind.OTHER_DAY,
    DifferenceKind.COUPON,
)  # in spite of these the row tells of our payment


def compare_trade_part(part: Part, rows: Iterator[TradeRow], count: int, wiring: Wiring) -> PartResult:
    """Compare these rows, on a day of `count` partitions. Raises StorageUnavailableError.

    Lines of the work object: of each partition of orders what stands in the bill, [key, line, fen, our fen of that day or none]; then of
    each partition of WeChat Pay's numbers what must be booked.
    """
    result, listing = PartResult(), Listing(part, wiring)
    repairs = Repairs(part.bill_date, listing, wiring)
    keys: list[list[object]] = [[] for _ in range(count)]
    trades: list[list[object]] = [[] for _ in range(count)]
    while batch := list(itertools.islice(rows, READ_AT_ONCE)):
        payments = wiring.store.get_all({row.out_trade_no for row in batch})
        for row in batch:
            payment = payments.get(row.out_trade_no)
            differences = compare(row, payment, part.bill_date)
            if payment is not None and differences:
                payment, differences = repairs.repair(row, payment, differences)
                payments[row.out_trade_no] = payment
            listing.add(differences)
            if payment is not None and _tells_of_ours(differences):
                record_fee(payment, row, part.bill_date)
            result.trade.count(row)
            line = [key_of(row), row.line, amount_of(row), _ours_of_day(row, payment, part.bill_date)]
            keys[partition_of_order(row.out_trade_no, count)].append(line)
            trade = traded(row)
            trades[partition_of(trade.number, count)].append(trade)
    listing.finish(result)
    result.hand_on(wiring.work_files.put(part, [*keys, *trades]))
    return result


def _tells_of_ours(differences: tuple[Difference, ...]) -> bool:
    return all(each.repaired or each.kind in _HAS_COST for each in differences)


def _ours_of_day(row: TradeRow, payment: Payment | None, day: str) -> int | None:
    ours = ours_of(row, payment)
    if ours is None or payment is None:
        return None
    at = payment.refunds[row.out_refund_no].create_time if row.out_refund_no else payment.success_time
    return ours if is_of(day, at) else None
