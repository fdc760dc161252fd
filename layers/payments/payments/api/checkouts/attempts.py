"""From a checkout to the order that is opened for one device: an attempt."""

from dataclasses import replace
from typing import Any

import msgspec

from payments.api.json_body import load
from payments.api.orders.freezing import frozen
from payments.api.request_bodies import NewJsapiOrder, NewOrder
from payments.core.checkouts.checkout import H5, JSAPI, Checkout, Device, Hold
from payments.core.payment import Payment
from payments.wiring import Wiring


def order_of(checkout: Checkout, hold: Hold, device: Device, *, source_ip: str, wiring: Wiring) -> Payment:
    """The attempt that `hold` names as a payment in CREATING, with the exact bytes that WeChat Pay will be sent.

    `source_ip` is the address that asks for it, which counts where WeChat Pay is told of a shop.
    """
    asked: dict[str, Any] = dict(msgspec.json.decode(checkout.asked, type=dict[str, msgspec.Raw]))
    kind: type[NewOrder] = NewOrder
    if device.kind == JSAPI and device.openid is not None:
        kind, asked["openid"] = NewJsapiOrder, device.openid
    scene = {"payer_client_ip": device.client_address, "h5_info": {"type": device.h5_type}}
    payment = frozen(
        load(msgspec.json.encode(asked), kind),
        hold.out_trade_no,
        appid=hold.appid,
        user_id=checkout.user_id,
        method=hold.kind,
        scene=scene if hold.kind == H5 else None,
        source_ip=source_ip,
        until=checkout.expires_at,
        settings=wiring.settings,
        now=int(wiring.now()),
    )
    return replace(payment, checkout_id=checkout.checkout_id, attempt=checkout.attempt)
