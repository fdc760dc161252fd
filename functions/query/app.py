"""GET /api/v1/payments/wechat/query/{outTradeNo}: where an order stands, asked of WeChat Pay where that can matter."""

from payments.api import responses
from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.core.access import CHARGE, PAY, REFUND
from payments.core.errors import RefusedUpdate
from payments.use_cases.asking import query_order
from payments.wiring import Wiring

# Seconds that an answer of WeChat Pay is good for: many pollers must not exhaust its limits.
FRESH_SECONDS = 2


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The order's present truth, in WeChat Pay's words."""
    caller, now = request.caller.with_one_of(PAY, CHARGE, REFUND), int(wiring.now())
    payment = require_visible(wiring.store.get(request.out_trade_no), caller.may_see)
    fresh = payment.asked_at is not None and now - payment.asked_at < FRESH_SECONDS
    if not payment.status.is_final and not fresh:
        try:
            wiring.store.claim_query(payment.out_trade_no, seen=payment.asked_at, now=now)
        except RefusedUpdate:
            pass  # somebody else is asking at this very moment; the table's answer is good enough
        else:
            payment = query_order(payment, wiring) or payment
    request.log_payment(payment)
    return responses.query_members(payment)


lambda_handler = endpoint(answer, ahead=("store", "wechat"))
