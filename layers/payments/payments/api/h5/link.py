"""The link that leads a phone's browser to WeChat for one order, and for whom it is."""

import json
from urllib.parse import quote

from payments.api import means
from payments.core.payment import Payment
from payments.wiring import Wiring

RETURNED = "?returned=1"  # what the checkout page is told by an address to which WeChat leads back


def h5_link(payment: Payment, wiring: Wiring) -> str:
    """The h5_url that leads back to the order's checkout page: to be opened from a page on a registered domain.

    The way back is appended here and never frozen (WeChat Pay APIv3, H5 payment, `redirect_url`).
    """
    url = payment.h5_url or ""
    back = quote(means.checkout_address(payment, wiring) + RETURNED, safe="")
    return f"{url}{'&' if '?' in url else '?'}redirect_url={back}"


def frozen_address(payment: Payment) -> str:
    """The buyer's address that WeChat Pay was told, and holds the order's browser to."""
    scene = json.loads(payment.wechat_request)["scene_info"]
    return str(scene["payer_client_ip"])
