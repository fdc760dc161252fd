"""From the shop's shelf to its thanks, in a real browser: the code on the screen is the code that is paid."""

import time

import pytest

from sandbox.pages.scanning import text_in
from tests.browser.chromium import SHOTS, state

WORDS = {
    "en": ("Buy with WeChat Pay", "Scan to pay", "Payment successful", "Paid. Thank you!"),
    "zh-CN": ("微信支付购买", "微信扫码支付", "支付成功", "支付成功，谢谢！"),
}


@pytest.mark.parametrize("locale", WORDS)
def test_a_purchase_from_the_shelf_to_the_thanks(sandbox, tab, locale):
    buy, scan, paid, thanks = WORDS[locale]
    page = tab(sandbox.api, locale=locale)
    page.get_by_role("button", name=buy).nth(1).click()
    page.wait_for_url("**/checkout/**")
    assert page.get_by_role("heading").inner_text() == scan
    assert page.locator("#amount").inner_text() == "19.90"
    picture = SHOTS / f"scanned-{locale}.png"
    page.screenshot(path=picture)
    view = page.evaluate("fetch(location.href, {headers: {Accept: 'application/json'}}).then(a => a.json())")
    assert text_in(picture.read_bytes()) == view["codeUrl"]

    phone = tab(f"{sandbox.api}/phone", locale=locale, width=390, height=844)
    phone.locator("#picture").set_input_files(picture)
    phone.wait_for_selector("#confirm:not([hidden])")
    assert phone.locator("#amount").inner_text() == "¥19.90"
    phone.locator("#pay").click()
    notified = _notified(sandbox)
    state(page, "returning")
    assert (
        time.time() - notified < 1.0 + 0.25
    )  # the notification's own time is written to a quarter of a second
    assert page.get_by_role("heading").inner_text() == paid
    assert page.get_by_role("link").first.get_attribute("href") == view["returnUrl"]
    page.wait_for_url(view["returnUrl"])
    page.get_by_text(thanks).wait_for()
    page.screenshot(path=SHOTS / f"thanks-{locale}.png")


def test_a_buyer_who_cancels_pays_nothing_and_one_who_pays_late_is_heard(sandbox, shop, tab, order):
    opened = order(subject="Late", contentId="late")
    page = tab(opened["checkoutUrl"])
    phone = tab(f"{sandbox.api}/phone", locale="en")
    phone.get_by_role("button", name="Late").first.click()
    phone.get_by_role("button", name="Cancel").click()
    phone.get_by_text("Cancelled").wait_for()
    assert shop.details(opened["outTradeNo"])["status"] == "pending"

    phone.locator("#back").click()
    phone.get_by_role("button", name="Late").first.click()
    phone.locator("#late").click()
    phone.get_by_text("in 20 seconds").wait_for()
    assert page.locator("main").get_attribute("data-state") == "scan"
    shop.control("clock", {"advance": 21})
    state(page, "paid")


def _notified(sandbox):
    """When the last notification was answered, by this machine's clock."""
    import requests

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        told = requests.get(f"{sandbox.simulator}/_sandbox/notifications", timeout=10).json()["notifications"]
        if told and told[-1]["status"] == 200 and told[-1]["at"] > sandbox.clock.time() - 5:
            return time.time()
        time.sleep(0.02)
    raise AssertionError("no notification was answered")
