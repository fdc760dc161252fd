"""Where a browser within WeChat is sent: to WeChat, that it may say who its reader is, and from there to the page.

Source: WeChat, "Web authorization" (网页授权), step 1: its link has these parameters in this order, and this fragment.
"""

import re
from typing import Any
from urllib.parse import quote, urlencode

from payments.api.checkouts.devices import COOKIE
from payments.api.http import response
from payments.api.means import CHECKOUT_PATH
from payments.core.checkouts.rules import MAX_LIFE_SECONDS

SCOPE = "snsapi_base"  # the openid alone, without a word to the buyer
_NONCE = re.compile(r"[A-Z2-7]{26}")
_CODE = re.compile(r"[!-~]{1,512}")


def to_wechat(origin: str, *, appid: str, nonce: str, back: str, cookie: str) -> dict[str, Any]:
    """To WeChat's own page, and from there to the address `back`; the browser keeps `cookie`."""
    members = {
        "appid": appid,
        "redirect_uri": back,
        "response_type": "code",
        "scope": SCOPE,
        "state": nonce,
    }
    link = f"{origin}/connect/oauth2/authorize?{urlencode(members)}#wechat_redirect"
    secure = "; Secure" if back.startswith("https://") else ""
    kept = (
        f"{COOKIE}={cookie}; Path={CHECKOUT_PATH}; Max-Age={MAX_LIFE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
    )
    return _found(link) | {"cookies": [kept]}


def to_page(token: str) -> dict[str, Any]:
    """To the checkout's page."""
    return _found(CHECKOUT_PATH + quote(token, safe=""))


def usable(code: str, nonce: str) -> bool:
    """Whether what came back can be a code of WeChat's and a nonce of ours."""
    return _CODE.fullmatch(code) is not None and _NONCE.fullmatch(nonce) is not None


def _found(location: str) -> dict[str, Any]:
    answer = response(302, {}, {"location": location}) | {"body": ""}
    del answer["headers"]["content-type"]
    return answer
