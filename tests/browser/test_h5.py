"""One H5 order on real devices' browsers: paid in a phone's, sent on by WeChat's and a desktop's, asked for on the way back."""

import pytest

from tests.browser.chromium import SHOTS, state

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
HUAWEI = (
    "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN01) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36"
)
XIAOMI = (
    "Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/118.0.0.0 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.3.80311"
)
WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
)
ANDROID_WECHAT = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC Build/UKQ1.230804.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240404 MicroMessenger/8.0.49.2600"
)
SMALL = {"width": 390, "height": 844}
WORDS = {
    "en": ("Pay with WeChat", "I have paid", "Open in your browser", "Pay on your phone"),
    "zh-CN": ("微信支付", "我已付款", "请在浏览器中打开", "请用手机支付"),
}


@pytest.fixture
def order(shop):
    """Opens H5 orders for this machine's address."""

    def opened(**members):
        body = {"contentId": "h5", "amount": "19.99", "subject": "古琴曲《流水》", "clientIp": "127.0.0.1"}
        answer = shop.call("POST", "/h5", body | members)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return opened


@pytest.mark.parametrize("agent", [IPHONE, HUAWEI, XIAOMI], ids=["iPhone", "Huawei", "Xiaomi"])
@pytest.mark.parametrize("locale", WORDS)
def test_a_phones_browser_pays_and_is_taken_back_to_the_shop(sandbox, shop, tab, order, agent, locale):
    opened = order(returnUrl=f"{sandbox.api}/success?order=h5")
    page = tab(opened["checkoutUrl"], user_agent=agent, locale=locale, **SMALL)
    state(page, "leave")
    page.screenshot(path=SHOTS / f"h5-leave-{locale}.png")
    page.get_by_role("link", name=WORDS[locale][0], exact=True).click()
    page.wait_for_url("**/checkmweb?*")
    assert (
        page.get_by_role("heading").inner_text() == "¥19.99"
    )  # WeChat's page takes nobody without a Referer
    page.locator("#pay").click()
    page.wait_for_url("**/success?order=h5", timeout=15_000)
    assert shop.details(opened["outTradeNo"])["status"] == "succeeded"


@pytest.mark.parametrize("locale", WORDS)
def test_whoever_comes_back_without_having_paid_is_asked_and_can_pay_after_all(shop, tab, order, locale):
    pay, asked, *_ = WORDS[locale]
    opened = order(contentId="h5-cancelled")
    page = tab(opened["checkoutUrl"], user_agent=IPHONE, locale=locale, **SMALL)
    page.get_by_role("link", name=pay, exact=True).click()
    page.locator("#cancel").click()
    state(page, "returned")
    page.screenshot(path=SHOTS / f"h5-returned-{locale}.png")
    page.get_by_role("button", name=asked).click()
    page.wait_for_function("() => document.getElementById('trouble').textContent !== ''")
    assert shop.details(opened["outTradeNo"])["status"] == "pending"
    page.get_by_role("link", name=pay, exact=True).click()
    page.locator("#pay").click()
    state(page, "paid")


def test_a_payment_that_nobody_told_of_is_found_when_the_buyer_says_so(shop, tab, order):
    opened = order(contentId="h5-untold")
    page = tab(opened["checkoutUrl"], user_agent=IPHONE, locale="en", **SMALL)
    shop.faults({"on": "notification", "effect": "drop"})
    page.locator("#leave").click()
    page.locator("#pay").click()
    state(page, "returned")
    page.get_by_role("button", name="I have paid").click()
    state(page, "paid")


@pytest.mark.parametrize("agent", [WECHAT, ANDROID_WECHAT], ids=["iPhone", "Android"])
@pytest.mark.parametrize("locale", WORDS)
def test_within_wechat_nothing_leads_to_the_link(tab, order, agent, locale):
    page = tab(order(contentId="h5-inside")["checkoutUrl"], user_agent=agent, locale=locale, **SMALL)
    state(page, "outside")
    assert page.get_by_role("heading").inner_text() == WORDS[locale][2]
    assert page.locator("#leave").is_hidden()
    assert page.locator("#code").is_hidden()
    assert "checkmweb" not in page.content()
    page.screenshot(path=SHOTS / f"h5-outside-{locale}.png")


@pytest.mark.parametrize("locale", WORDS)
def test_a_desktop_shows_the_way_to_the_phones_browser(tab, order, locale):
    from sandbox.pages.scanning import text_in

    opened = order(contentId="h5-desktop")
    page = tab(opened["checkoutUrl"], locale=locale)
    state(page, "handheld")
    assert page.get_by_role("heading").inner_text() == WORDS[locale][3]
    picture = SHOTS / f"h5-handheld-{locale}.png"
    page.screenshot(path=picture)
    scanned = text_in(picture.read_bytes())
    assert scanned == opened["checkoutUrl"]
    state(tab(scanned, user_agent=HUAWEI, locale=locale, **SMALL), "leave")


def test_a_page_left_open_always_has_a_link_with_more_than_a_minute(sandbox, tab, order):
    opened = order(contentId="h5-patient")
    page = tab(opened["checkoutUrl"], user_agent=IPHONE, **SMALL)
    first = page.locator("#leave").get_attribute("href")
    sandbox.clock.advance(245)
    sandbox.websockets.cut()  # the page hears that it should look
    page.wait_for_function("first => document.getElementById('leave').href !== first", arg=first)
    sandbox.clock.advance(60)
    page.locator("#leave").click()
    page.locator("#pay").click()
    state(page, "paid")


def test_a_phone_that_slept_does_not_lead_to_a_link_that_has_ended(tab, order):
    """The device's clock goes on while no script runs: the tap itself sees that the link is over."""
    page = tab(order(contentId="h5-slept")["checkoutUrl"], user_agent=IPHONE, **SMALL)
    page.evaluate("""() => {
        const real = Date.now.bind(Date);
        Date.now = () => real() + 250000;
        document.getElementById('leave').click();
    }""")
    page.wait_for_timeout(300)
    assert "/checkout/" in page.url
