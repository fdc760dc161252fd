"""GET /api/v1/payments/wechat/query/{outTradeNo}: where an order stands, asked of WeChat Pay where that can matter."""

from payments.api import responses
from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.core.access import CHARGE, PAY, REFUND
from payments.use_cases.asking import find_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The order's present truth, in WeChat Pay's words."""
    caller = request.caller.with_one_of(PAY, CHARGE, REFUND)
    payment = require_visible(find_order(request.out_trade_no, caller.sees_only, wiring), caller.may_see)
    request.log_payment(payment)
    return responses.query_members(payment)


lambda_handler = endpoint(answer, ahead=("store", "looks", "wechat"))
