"""What a merchant adds to the page, in a real browser: a logo, from the parameter or the own origin, by day and night; and numbers for support."""

import base64

import pytest

from tests.browser.chromium import SHOTS, state
from tests.kit.running import Running
from tests.kit.shop import Shop

WIDE = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 40" width="400" height="40"><path d="M0 0h400v40H0z" fill="#222"/></svg>'
INLINE = f"data:image/svg+xml;base64,{base64.b64encode(WIDE).decode()}"


@pytest.mark.parametrize("logo", [INLINE, "/pages/icon.svg"], ids=["inline", "own-origin"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_logo_is_drawn_and_neither_policy_nor_layout_breaks(tab, logo, scheme, request):
    with Running(parameters={"MerchantLogo": logo, "MerchantName": "茶舍"}) as running:
        order = {"contentId": "tea", "amount": "9.99", "subject": "Tea"}
        opened = Shop(running).call("POST", "/native", order).json()["data"]
        page = tab(opened["checkoutUrl"], width=320, height=640, color_scheme=scheme)
        state(page, "scan")
        drawn = page.evaluate(
            "() => { const l = document.getElementById('logo'); return [l.naturalWidth, l.complete]; }"
        )
        assert drawn[0] > 0
        assert drawn[1]
        box = page.locator("#logo").bounding_box()
        assert box["height"] < 60
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator("#order").inner_text() == opened["outTradeNo"]
        page.screenshot(path=SHOTS / f"logo-{request.node.callspec.id}.png", full_page=True)


def test_the_page_of_a_checkout_shows_the_checkouts_number_whichever_order_is_open(shop, tab):
    wish = {"contentId": "tea", "amount": "9.99", "subject": "Tea"}
    kept = shop.call("POST", "/checkout", wish).json()["data"]
    page = tab(kept["checkoutUrl"])
    state(page, "scan")
    assert page.locator("#order").inner_text() == kept["checkoutId"]
    still = tab(kept["checkoutUrl"], java_script_enabled=False)
    assert still.locator("#order").inner_text() == kept["checkoutId"]
