"""How the page of a checkout looks in each of its states: four sizes, two languages, without an accessibility fault."""

from typing import Any

import pytest
import requests

from tests.browser.chromium import SHOTS, state
from tests.browser.test_devices import WORDS
from tests.browser.test_h5 import IPHONE, WECHAT
from tests.browser.test_looks import SIZES, faults

STATES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "identify": (WECHAT, {"status": "identify", "kind": "jsapi", "identifyUrl": "/checkout/x/wechat"}),
    "again": (None, {"status": "ready", "kind": "native"}),
    "held": (WECHAT, {"status": "elsewhere", "kind": "jsapi", "heldBy": "native", "takeOver": True}),
    "left_there": (IPHONE, {"status": "elsewhere", "kind": "h5", "heldBy": "native", "takeOver": False}),
    "handing": (IPHONE, {"status": "closing", "kind": "h5", "heldBy": "native", "takeOver": True}),
    "closing": (None, {"status": "closing", "kind": "native", "heldBy": "native", "takeOver": False}),
    "into_wechat": (IPHONE, {"status": "ready", "kind": "h5", "refused": "h5", "qrCode": ...}),
    "refused": (None, {"status": "ready", "kind": "native", "refused": "native", "qrCode": ...}),
    "refused_here": (WECHAT, {"status": "ready", "kind": "jsapi", "refused": "jsapi", "qrCode": ...}),
    "leave": (IPHONE, {"status": "waiting", "kind": "h5", "h5Url": "https://wx.tenpay.com/"}),
    "scan": (None, {"status": "waiting", "kind": "native", "codeUrl": "weixin://x", "qrCode": ...}),
    "bridgeless": (WECHAT, {"status": "waiting", "kind": "jsapi", "paymentParams": {}}),
    "paid": (None, {"status": "paid", "kind": "native"}),
    "closed": (None, {"status": "closed", "kind": "native"}),
    "expired": (IPHONE, {"status": "expired", "kind": "h5"}),
}
OF_A_STATE = ("heldBy", "takeOver", "retryAfter", "refused", "codeUrl", "codeExpiresAt", "qrCode", "live")


@pytest.mark.parametrize("locale", WORDS)
@pytest.mark.parametrize("name", STATES)
def test_every_state_of_a_checkout_fits_and_is_without_an_accessibility_fault(
    shop, tab, checkout, name, locale
):
    """The views are made up, for some last a second; each is of the form that the page gets."""
    agent, told = STATES[name]
    address = checkout(
        subject="水墨画入门 Ink painting for beginners", returnUrl=f"{shop.sandbox.api}/success"
    )
    real = requests.post(f"{address}/open", json={"kind": "native"}, timeout=30).json()
    code = real["qrCode"]
    view = {key: value for key, value in real.items() if key not in OF_A_STATE} | {"version": 10**8}
    view |= {key: code if value is ... else value for key, value in told.items()}
    if view["status"] == "paid":
        del view["returnUrl"]  # with one it leads there at once
    scheme = "dark" if locale == "en" else "light"
    options = {"user_agent": agent} if agent else {}
    page = tab(locale=locale, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True, **options)
    page.add_init_script("sessionStorage.setItem(location.pathname, 'asked');")

    def made_up(route):
        if "application/json" in route.request.headers.get("accept", ""):
            return route.fulfill(status=200, json=view)
        return route.continue_()

    page.route(address, made_up)
    page.route("**/open", lambda route: route.fulfill(status=429, headers={"Retry-After": "60"}, json={}))
    page.goto(address)
    state(page, name, seconds=15)
    assert faults(page) == []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SHOTS / f"checkout-{name}-{width}-{locale}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.unroute_all(behavior="ignoreErrors")
