"""GET /api/v1/payments/wechat/bills: the days that were compared with WeChat Pay's bills, and with what result."""

from payments.api.books.bill_days import dates_asked_for, day_members
from payments.api.http import Request, endpoint
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Those of the days asked for of which something is known, the newest first."""
    dates = dates_asked_for(request, wiring)
    known = wiring.bills.days(dates)
    return {"days": [day_members(known[bill_date]) for bill_date in dates if bill_date in known]}


lambda_handler = endpoint(answer, ahead=("bills",))
