"""POST /api/v1/payments/wechat/native: open a payment that the buyer pays by scanning a QR code."""

from payments.api import means, order_intake, qr, responses
from payments.api.http import Request, endpoint
from payments.api.request_bodies import NewOrder
from payments.use_cases.opening import open_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, draw its code."""
    order = order_intake.prepare_order(request, NewOrder, method="native", wiring=wiring)
    payment = open_order(order.payment, wiring=wiring, again=order.may_exist, there=order.is_there)
    request.log_payment(payment)
    code_url = payment.code_url or ""
    return {
        **responses.order_members(payment),
        "codeUrl": code_url,
        "qrCode": qr.data_url(code_url),
        "checkoutUrl": means.checkout_address(payment, wiring),
    }


lambda_handler = endpoint(answer, ahead=("store", "allowances", "wechat", "secrets.checkout_key"))
