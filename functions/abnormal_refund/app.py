"""POST /api/v1/payments/wechat/refund/abnormal: send on a refund that the bank did not take."""

from payments import answers
from payments.abnormal_refund import send_on
from payments.bodies import AbnormalRefundToCard, load_abnormal_refund
from payments.callers import REFUND, found
from payments.http import Request, endpoint
from payments.wiring import Wiring
from wechatpay.sensitive_calls import BankCard


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """For the back office only."""
    caller = request.caller.with_one_of(REFUND)
    wanted = load_abnormal_refund(request.body)
    payment = found(wiring.store.get(wanted.out_trade_no), caller.may_see)
    request.about(payment)
    card = None
    if isinstance(wanted, AbnormalRefundToCard):
        card = BankCard(wanted.bank_type, wanted.bank_account, wanted.real_name)
    payment = send_on(payment, wanted.out_refund_no, card, wiring)
    return answers.sent_on(payment, wanted.out_refund_no)


lambda_handler = endpoint(answer)
