"""What POST /_sandbox/pay may say of how the buyer's browser opens an h5_url."""

from collections.abc import Mapping
from typing import Any

from wechatpay_simulator.cashier.h5_checks import Visit
from wechatpay_simulator.controls.control_request import ControlError

VISIT = {"ip", "referer", "insideWeChat"}


def visit_of(body: Mapping[str, Any], usual: Visit) -> Visit:
    """The visit as `body` wants it, and `usual` where that says nothing. Raises ControlError."""
    ip, referer = body.get("ip", usual.address), body.get("referer", usual.referer)
    inside_wechat = body.get("insideWeChat", usual.inside_wechat)
    if not isinstance(ip, str) or not ip:
        raise ControlError("ip is an address.")
    if not isinstance(referer, str):
        raise ControlError("referer is a string, an empty one for none.")
    if not isinstance(inside_wechat, bool):
        raise ControlError("insideWeChat is true or false.")
    return Visit(ip, referer, inside_wechat)
