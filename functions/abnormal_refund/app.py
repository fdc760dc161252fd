"""POST /api/v1/payments/wechat/refund/abnormal: send on a refund that the bank did not take."""

from payments.api import responses
from payments.api.callers import require_visible
from payments.api.http import Request, endpoint
from payments.api.request_bodies import AbnormalRefundToCard, load_abnormal_refund
from payments.core.access import REFUND
from payments.use_cases.refunds.abnormal_refund import send_on
from payments.wiring import Wiring
from wechatpay.sensitive_calls import BankCard


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """For the back office only."""
    caller = request.caller.with_one_of(REFUND)
    wanted = load_abnormal_refund(request.body)
    payment = require_visible(wiring.store.get(wanted.out_trade_no), caller.may_see)
    request.log_payment(payment)
    card = None
    if isinstance(wanted, AbnormalRefundToCard):
        card = BankCard(wanted.bank_type, wanted.bank_account, wanted.real_name)
    payment = send_on(payment, wanted.out_refund_no, card, wiring)
    return responses.abnormal_refund_members(payment, wanted.out_refund_no)


lambda_handler = endpoint(answer, ahead=("store", "refunds", "wechat"))
