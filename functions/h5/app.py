"""POST /api/v1/payments/wechat/h5: open a payment that a phone's browser outside WeChat pays."""

from payments.api import means, order_intake, responses
from payments.api.h5.link import frozen_address, h5_link
from payments.api.h5.scene_info import scene_info_for
from payments.api.http import Request, endpoint
from payments.api.request_bodies import NewH5Order
from payments.use_cases.opening import open_order
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, open the order for the browser that is there, say what leads it to WeChat."""
    scene = scene_info_for(request, wiring)
    order = order_intake.prepare_order(request, NewH5Order, method="h5", wiring=wiring, scene=scene)
    payment = open_order(order.payment, wiring=wiring, again=order.may_exist, there=order.is_there)
    request.log_payment(payment)
    checkout_url = means.checkout_address(payment, wiring)
    return {
        **responses.order_members(payment),
        "h5Url": h5_link(payment, checkout_url),
        "clientIp": frozen_address(payment),
        "checkoutUrl": checkout_url,
    }


lambda_handler = endpoint(answer, ahead=("store", "allowances", "wechat", "secrets.checkout_key"))
