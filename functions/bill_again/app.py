"""POST /api/v1/payments/wechat/bills/{date}: have a day fetched and compared, again or for the first time."""

from payments.api.books.bill_days import date_to_compare, day_members
from payments.api.http import Request, endpoint
from payments.core.errors import BillRunningError, RefusedUpdate
from payments.use_cases.books.due_days import fetch_later
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Put the day among those that wait, and send for it at once; should that fail, the schedule finds it waiting."""
    bill_date = date_to_compare(request, wiring)
    try:
        day = wiring.bills.reopen(bill_date, now=int(wiring.now()))
    except RefusedUpdate as running:
        raise BillRunningError from running
    fetch_later([bill_date], wiring)
    return day_members(day)


lambda_handler = endpoint(answer, ahead=("bills", "queue"), status=202)
