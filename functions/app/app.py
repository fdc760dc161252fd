"""POST /api/v1/payments/wechat/app: open a payment that the merchant's own mobile app hands to WeChat."""

from payments.api import means, order_intake, responses
from payments.api.http import Request, endpoint
from payments.api.request_bodies import NewOrder
from payments.use_cases.opening import open_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, sign what the app calls WeChat up with. The page of a checkout cannot do that."""
    order = order_intake.prepare_order(request, NewOrder, method="app", wiring=wiring)
    payment = open_order(order.payment, wiring=wiring, again=order.may_exist, there=order.is_there)
    request.log_payment(payment)
    return {
        **responses.order_members(payment),
        "prepayId": payment.prepay_id or "",
        "paymentParams": means.app_params(payment, wiring),
    }


lambda_handler = endpoint(answer, ahead=("store", "allowances", "wechat"))
