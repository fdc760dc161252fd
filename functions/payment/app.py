"""GET /api/v1/payments/wechat/payment/{outTradeNo}: the payment as our table has it."""

from payments.api import responses
from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.core.access import CHARGE, PAY, REFUND
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The details of one's own payment, or of any for a backend."""
    caller = request.caller.with_one_of(PAY, CHARGE, REFUND)
    payment = require_visible(wiring.store.get(request.out_trade_no), caller.may_see)
    request.log_payment(payment)
    return responses.details(payment)


lambda_handler = endpoint(answer, ahead=("store",))
