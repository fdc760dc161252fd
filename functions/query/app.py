"""GET /api/v1/payments/wechat/query/{outTradeNo}: where an order stands, asked of WeChat Pay where that can matter."""

from payments.api import responses
from payments.api.callers import found
from payments.api.http import Request, endpoint
from payments.core.access import CHARGE, PAY, REFUND
from payments.core.errors import RefusedUpdate
from payments.use_cases.asking import ask
from payments.wiring import Wiring

FRESH = 2  # seconds that an answer of WeChat Pay is good for: many pollers must not exhaust its limits


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The order's present truth, in WeChat Pay's words."""
    caller, now = request.caller.with_one_of(PAY, CHARGE, REFUND), int(wiring.now())
    payment = found(wiring.store.get(request.out_trade_no), caller.may_see)
    fresh = payment.asked_at is not None and now - payment.asked_at < FRESH
    if not payment.status.is_final and not fresh:
        try:
            wiring.store.take_asking(payment.out_trade_no, seen=payment.asked_at, now=now)
        except RefusedUpdate:
            pass  # somebody else is asking at this very moment; the table's answer is good enough
        else:
            payment = ask(payment, wiring) or payment
    request.about(payment)
    return responses.queried(payment)


lambda_handler = endpoint(answer)
