"""One part of the fund-flow bill: what it comes to, and what of it the trade bill must explain is handed on."""

from collections.abc import Iterable

from payments.core.books.booking import booked
from payments.core.books.partitions import partition_of
from payments.core.books.results import PartResult
from payments.core.books.rows import FundRow
from payments.storage.books.results import Part
from payments.wiring import Wiring


def read_fund_part(part: Part, rows: Iterable[FundRow], count: int, wiring: Wiring) -> PartResult:
    """Read these rows, on a day of `count` partitions by WeChat Pay's numbers. Raises StorageUnavailableError."""
    result = PartResult()
    bookings: list[list[object]] = [[] for _ in range(count)]
    for row in rows:
        result.fund.count(row)
        if (booking := booked(row)) is not None:
            bookings[partition_of(booking.number, count)].append(booking)
    result.hand_on(wiring.work_files.put(part, bookings))
    return result
