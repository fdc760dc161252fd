"""POST /api/v1/payments/wechat/jsapi: open a payment within WeChat, on a page or in a mini program."""

from payments.api import checkout, order_intake, responses
from payments.api.http import Request, endpoint
from payments.api.request_bodies import NewJsapiOrder
from payments.core.payment import Credential
from payments.use_cases.opening import open_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, sign what WeChat's cashier is opened with."""
    wanted, again = order_intake.wanted(request, NewJsapiOrder, method="jsapi", wiring=wiring)
    payment = open_order(
        wanted,
        send=lambda body: Credential(prepay_id=wiring.wechat.order_jsapi(body)),
        wiring=wiring,
        again=again,
    )
    request.about(payment)
    prepay_id = payment.prepay_id or ""
    # Signed afresh for each answer: it carries a timestamp, and storing it would gain nothing.
    params = wiring.signing.value().jsapi_params(
        appid=payment.appid, prepay_id=prepay_id, timestamp=int(wiring.now()), nonce_str=wiring.nonce()
    )
    return {
        **responses.opened(payment),
        "prepayId": prepay_id,
        "paymentParams": params,
        "checkoutUrl": checkout.address(payment, wiring),
    }


lambda_handler = endpoint(answer)
