"""The link that leads a phone's browser to WeChat for one order, and for whom it is."""

import json
from urllib.parse import quote

from payments.core.payment import Payment

RETURNED = "?returned=1"  # what the checkout page is told by an address to which WeChat leads back


def h5_link(payment: Payment, page: str) -> str:
    """The h5_url that leads back to the checkout page at the address `page`: to be opened from a page on a registered domain.

    The way back is appended here and never frozen (WeChat Pay APIv3, H5 payment, `redirect_url`).
    """
    url = payment.h5_url or ""
    return f"{url}{'&' if '?' in url else '?'}redirect_url={quote(page + RETURNED, safe='')}"


def frozen_address(payment: Payment) -> str:
    """The buyer's address that WeChat Pay was told, and holds the order's browser to."""
    scene = json.loads(payment.wechat_request)["scene_info"]
    return str(scene["payer_client_ip"])
