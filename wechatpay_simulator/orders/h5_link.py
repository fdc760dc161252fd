"""The h5_url of an order: where it leads, and which order is meant by one that comes back.

WeChat Pay's own is `https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx…&package=…`.
"""

import secrets
from urllib.parse import parse_qsl, urlencode

from wechatpay_simulator.orders.prepay_id import new_prepay_id

PATH = "/cgi-bin/mmpayweb-bin/checkmweb"


def new_link_query(now: float) -> str:
    """A query string that nobody can guess; the ledger knows the order by it."""
    return urlencode({"prepay_id": new_prepay_id(now), "package": f"{secrets.randbelow(10**10):010}"})


def h5_link(origin: str, query: str) -> str:
    """The whole address, on this simulator: a browser can go there."""
    return f"{origin}{PATH}?{query}"


def link_query(url: str) -> tuple[str, str | None]:
    """What the ledger knows the order of this h5_url by, and the `redirect_url` that the merchant may have appended.

    WeChat Pay APIv3, H5 payment: `&redirect_url=`, percent-encoded.
    """
    members = dict(parse_qsl(url.partition("?")[2].partition("#")[0]))
    query = urlencode({name: members.get(name, "") for name in ("prepay_id", "package")})
    return query, members.get("redirect_url")
