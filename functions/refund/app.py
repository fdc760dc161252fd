"""POST /api/v1/payments/wechat/refund: give money back, all of it or a part."""

from payments.api import responses
from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.api.request_bodies import idempotency_key, load_refund
from payments.core.access import REFUND
from payments.use_cases.refunds.refund_wish import Wish
from payments.use_cases.refunds.refunding import refund_payment
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """For the back office only."""
    caller = request.caller.with_one_of(REFUND)
    wanted = load_refund(request.body)
    key = idempotency_key(request.headers)
    payment = require_visible(wiring.store.get(wanted.out_trade_no), caller.may_see)
    request.log_payment(payment)
    wish = Wish(
        amount=wanted.fen,
        reason=wanted.refund_reason,
        key=key,
        caller=caller.sub,
        confirmed=wanted.confirm_refunded_elsewhere is True,
    )
    refunded = refund_payment(payment, wish, wiring)
    request.log_payment(refunded.payment)
    return responses.refund_members(
        refunded.payment, refunded.out_refund_no, duplicate=refunded.duplicate, keyed=key is not None
    )


lambda_handler = endpoint(answer, ahead=("store", "allowances", "refunds", "wechat"))
