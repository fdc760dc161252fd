"""One partition of WeChat Pay's numbers: what the trade bill says must be booked, against what the fund-flow bill has booked."""

from collections.abc import Iterable

import msgspec

from payments.core.books.booking import Booked, Traded, join
from payments.core.books.results import PartResult
from payments.storage.books.results import Part
from payments.use_cases.books.difference_list import Listing
from payments.wiring import Wiring


def join_part(
    part: Part, trades: Iterable[PartResult], funds: Iterable[PartResult], count: int, wiring: Wiring
) -> PartResult:
    """Join partition `part.number` of `count` of what the parts of both bills have handed on. Raises StorageUnavailableError."""
    result, listing = PartResult(), Listing(part, wiring)
    of_trade = (
        msgspec.convert(line, Traded)
        for work in trades
        for line in wiring.work_files.lines(work.handed_on, count + part.number)
    )
    of_fund = (
        msgspec.convert(line, Booked)
        for work in funds
        for line in wiring.work_files.lines(work.handed_on, part.number)
    )
    listing.add(join(of_trade, of_fund))
    listing.finish(result)
    return result
