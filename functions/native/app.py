"""POST /api/v1/payments/wechat/native: open a payment that the buyer pays by scanning a QR code."""

from payments import answers, checkout, ordering, qr
from payments.bodies import NewOrder
from payments.http import Request, endpoint
from payments.opening import open_order
from payments.payment import Credential
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, draw its code."""
    wanted, again = ordering.wanted(request, NewOrder, method="native", wiring=wiring)
    payment = open_order(
        wanted,
        send=lambda body: Credential(code_url=wiring.wechat.order_native(body)),
        wiring=wiring,
        again=again,
    )
    request.about(payment)
    code_url = payment.code_url or ""
    return {
        **answers.opened(payment),
        "codeUrl": code_url,
        "qrCode": qr.data_url(code_url),
        "checkoutUrl": checkout.address(payment, wiring),
    }


lambda_handler = endpoint(answer)
