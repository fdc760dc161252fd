"""GET /api/v1/payments/wechat/bills/{date}: what a day's bills and our records differ in, and links to both bills."""

from payments.api.books.bill_days import (
    cursor_after,
    date_asked_for,
    day_members,
    difference_members,
    known_day,
    limit_asked_for,
    name_in,
)
from payments.api.http import Request, endpoint
from payments.core.books.bill_text import BillKind
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The day, a page of its differences once it was compared, and the bills that were fetched for it."""
    bill_date, limit = date_asked_for(request), limit_asked_for(request)
    day = known_day(bill_date, wiring)
    members, after = day_members(day), name_in(request.query.get("cursor"), day)
    if day.status.is_done and day.run is not None:
        page = wiring.results.page(bill_date, day.run, after=after, limit=limit)
        members["listed"] = [difference_members(each.difference) for each in page.rows]
        if (cursor := cursor_after(day, page.after)) is not None:
            members["nextCursor"] = cursor
    kept = {BillKind.TRADE: day.trade, BillKind.FUND: day.fund}
    members["links"] = {
        kind.value: wiring.bill_files.link(kind, bill_date)
        for kind, bill in kept.items()
        if bill and bill.sha1
    }
    return members


lambda_handler = endpoint(answer, ahead=("bills", "results", "bill_files"))
