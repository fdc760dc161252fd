"""POST /api/v1/payments/wechat/jsapi: open a payment within WeChat, on a page or in a mini program."""

from payments import answers, checkout, ordering
from payments.bodies import NewJsapiOrder
from payments.http import Request, endpoint
from payments.opening import open_order
from payments.payment import Credential
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order, sign what WeChat's cashier is opened with."""
    wanted, again = ordering.wanted(request, NewJsapiOrder, method="jsapi", wiring=wiring)
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
        **answers.opened(payment),
        "prepayId": prepay_id,
        "paymentParams": params,
        "checkoutUrl": checkout.address(payment, wiring),
    }


lambda_handler = endpoint(answer)
