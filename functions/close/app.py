"""POST /api/v1/payments/wechat/close: end an unpaid order, and tell the truth when it turns out to be paid."""

from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.api.json_body import load
from payments.api.request_bodies import Close
from payments.core.access import CHARGE, PAY
from payments.use_cases.closing import begin_close, close_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Close one's own order, or any for a backend."""
    caller = request.caller.with_one_of(PAY, CHARGE)
    wanted = load(request.body, Close)
    payment = require_visible(begin_close(wanted.out_trade_no, caller.closes_only, wiring), caller.may_close)
    request.log_payment(payment)
    request.log_payment(close_order(payment, wiring))
    return {"outTradeNo": payment.out_trade_no, "closed": True}


lambda_handler = endpoint(answer, ahead=("store", "wechat"))
