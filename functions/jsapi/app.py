"""POST /api/v1/payments/wechat/jsapi: open a payment within WeChat, on a page or in a mini program."""

from payments.api import means, order_intake, responses
from payments.api.http import Request, endpoint
from payments.api.request_bodies import NewJsapiOrder
from payments.use_cases.opening import open_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, sign what WeChat's cashier is opened with."""
    order = order_intake.prepare_order(request, NewJsapiOrder, method="jsapi", wiring=wiring)
    payment = open_order(order.payment, wiring=wiring, again=order.may_exist, there=order.is_there)
    request.log_payment(payment)
    return {
        **responses.order_members(payment),
        "prepayId": payment.prepay_id or "",
        "paymentParams": means.payment_params(payment, wiring),
        "checkoutUrl": means.checkout_address(payment, wiring),
    }


lambda_handler = endpoint(answer, ahead=("store", "allowances", "wechat", "secrets.checkout_key"))
