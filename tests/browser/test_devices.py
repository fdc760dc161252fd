"""One address on every device: opened for whoever is there, taken over by a tap, and never two orders that can be paid."""

import pytest
import requests

from tests.browser.chromium import SHOTS, state
from tests.browser.test_h5 import HUAWEI, IPHONE, SMALL, WECHAT
from tests.browser.test_looks import BRIDGE

WORDS = {
    "en": ("Scan to pay", "Pay with WeChat", "Pay here instead", "Open somewhere else"),
    "zh-CN": ("微信扫码支付", "微信支付", "改在这里支付", "已在别处打开"),
}
BOTS = (
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.24.10.74 A",
)


@pytest.fixture
def orders(shop):
    """What WeChat Pay has come to know since: its orders."""
    before = {order["out_trade_no"] for order in shop.books()}
    return lambda: [order for order in shop.books() if order["out_trade_no"] not in before]


def payable(orders):
    return [order for order in orders() if order["trade_state"] == "NOTPAY"]


@pytest.mark.parametrize("locale", WORDS)
def test_on_a_desktop_it_is_paid_by_a_code(shop, tab, checkout, orders, locale):
    page = tab(checkout(), locale=locale)
    state(page, "scan")
    assert page.get_by_role("heading").inner_text() == WORDS[locale][0]
    (order,) = orders()
    shop.control("pay", {"outTradeNo": order["out_trade_no"]})
    state(page, "paid")


@pytest.mark.parametrize("agent", [IPHONE, HUAWEI], ids=["iPhone", "Huawei"])
@pytest.mark.parametrize("locale", WORDS)
def test_in_a_phones_browser_it_is_paid_by_h5(sandbox, tab, checkout, orders, agent, locale):
    page = tab(checkout(returnUrl=f"{sandbox.api}/success?order=1"), user_agent=agent, locale=locale, **SMALL)
    state(page, "leave")
    page.get_by_role("link", name=WORDS[locale][1], exact=True).click()
    page.locator("#pay").click()
    page.wait_for_url("**/success?order=1", timeout=15_000)
    assert [order["trade_state"] for order in orders()] == ["SUCCESS"]


@pytest.mark.parametrize("locale", WORDS)
def test_another_device_takes_over_by_a_tap_and_the_one_that_was_left_says_so(
    sandbox, tab, checkout, orders, locale
):
    *_, here, held = WORDS[locale]
    address = checkout()
    desktop = tab(address, locale=locale)
    state(desktop, "scan")
    phone = tab(address, user_agent=IPHONE, locale=locale, **SMALL)
    state(phone, "held")
    assert phone.get_by_role("heading").inner_text() == held
    phone.screenshot(path=SHOTS / f"devices-held-{locale}.png")
    assert len(orders()) == 1  # nothing is opened beside it, and nothing closed, without a tap
    assert len(payable(orders)) == 1
    sandbox.clock.advance(4)
    phone.get_by_role("button", name=here).click()
    state(phone, "leave")
    assert len(payable(orders)) == 1
    state(desktop, "held", seconds=25)
    desktop.screenshot(path=SHOTS / f"devices-left-{locale}.png")

    sandbox.clock.advance(4)
    desktop.get_by_role("button", name=here).click()
    state(desktop, "scan")
    assert len(payable(orders)) == 1
    state(phone, "held", seconds=25)
    sandbox.clock.advance(4)
    phone.get_by_role("button", name=here).click()
    state(phone, "leave")
    phone.locator("#leave").click()
    phone.locator("#pay").click()
    state(phone, "paid")
    state(desktop, "paid", seconds=25)
    assert sorted(order["trade_state"] for order in orders()) == ["CLOSED", "CLOSED", "CLOSED", "SUCCESS"]


def test_what_is_paid_while_another_device_takes_over_is_shown_as_paid(sandbox, shop, tab, checkout, orders):
    address = checkout()
    desktop = tab(address, locale="en")
    state(desktop, "scan")
    phone = tab(address, user_agent=IPHONE, locale="en", **SMALL)
    state(phone, "held")
    (order,) = orders()
    shop.faults({"on": "notification", "effect": "drop"})
    shop.control("pay", {"outTradeNo": order["out_trade_no"]})
    sandbox.clock.advance(4)
    phone.get_by_role("button", name="Pay here instead").click()
    state(phone, "paid")
    assert [order["trade_state"] for order in orders()] == ["SUCCESS"]


def test_where_wechat_pay_does_not_close_yet_the_page_says_where_it_is_still_open(
    sandbox, shop, tab, checkout, orders
):
    address = checkout()
    desktop = tab(address, locale="en")
    state(desktop, "scan")
    phone = tab(address, user_agent=IPHONE, locale="en", **SMALL)
    state(phone, "held")
    shop.faults({"on": "close", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"})
    sandbox.clock.advance(4)
    phone.get_by_role("button", name="Pay here instead").click()
    state(phone, "handing")
    phone.screenshot(path=SHOTS / "devices-handing.png")
    assert len(payable(orders)) == 1
    shop.faults()
    desktop.close()
    sandbox.clock.advance(4)
    phone.wait_for_selector("#act:not([disabled])", timeout=70_000)
    phone.get_by_role("button", name="Try again").click()
    state(phone, "leave", seconds=20)
    assert len(payable(orders)) == 1


def test_the_device_that_was_left_while_it_is_not_closed_yet_says_so_and_opens_nothing_by_itself(
    sandbox, shop, tab, checkout, orders
):
    address = checkout()
    desktop = tab(address, locale="en")
    state(desktop, "scan")
    phone = tab(address, user_agent=IPHONE, locale="en", **SMALL)
    state(phone, "held")
    shop.faults({"on": "close", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"})
    sandbox.clock.advance(4)
    phone.get_by_role("button", name="Pay here instead").click()
    state(phone, "handing")
    # What is being closed is its own order, not another device's.
    state(desktop, "closing", seconds=25)
    assert not desktop.locator("#act").is_visible()
    phone.close()  # whoever wanted it there gives up
    (first,) = orders()
    shop.faults()
    shop.close(first["out_trade_no"])
    state(desktop, "again", seconds=30)
    desktop.screenshot(path=SHOTS / "devices-again.png")
    posts = []
    desktop.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    desktop.wait_for_timeout(3000)
    assert posts == []
    assert len(orders()) == 1
    desktop.get_by_role("button", name="Pay here").click()
    state(desktop, "scan")
    assert len(payable(orders)) == 1


def test_an_open_tab_does_not_use_up_the_attempts_of_a_long_checkout(sandbox, shop, tab, checkout, orders):
    """Its order ends after some hours, and the checkout lives for days."""
    page = tab(checkout(), locale="en")
    state(page, "scan")
    (first,) = orders()
    shop.close(first["out_trade_no"])
    state(page, "again", seconds=30)
    assert len(orders()) == 1
    page.reload()  # this is somebody's own doing
    state(page, "scan")
    assert len(orders()) == 2


def test_a_link_that_was_opened_anew_is_not_asked_about(sandbox, tab, checkout, orders):
    """The buyer went to WeChat, came back, paid elsewhere instead, and comes here again: this order was never left for."""
    address = checkout()
    phone = tab(address, user_agent=IPHONE, locale="en", **SMALL)
    state(phone, "leave")
    phone.locator("#leave").click()
    phone.go_back()
    state(phone, "returned")
    desktop = tab(address, locale="en")
    state(desktop, "held")
    sandbox.clock.advance(4)
    desktop.get_by_role("button", name="Pay here instead").click()
    state(desktop, "scan")
    state(phone, "held", seconds=25)
    sandbox.clock.advance(4)
    phone.get_by_role("button", name="Pay here instead").click()
    state(phone, "leave")
    phone.reload()
    state(phone, "leave")
    assert len(payable(orders)) == 1


def test_a_browser_that_only_calls_itself_wechats_says_what_to_do(tab, checkout, orders):
    """Without the bridge of WeChat's own browser its cashier opens for nobody."""
    page = tab(user_agent=WECHAT, locale="en", **SMALL)
    page.goto(checkout())
    state(page, "bridgeless", seconds=30)
    page.screenshot(path=SHOTS / "devices-bridgeless.png")
    assert page.locator("#copy").is_visible()
    page.evaluate(BRIDGE)
    page.evaluate("document.dispatchEvent(new Event('WeixinJSBridgeReady'))")
    state(page, "cashier")
    assert [name for name, _ in page.evaluate("window.invoked")] == ["getBrandWCPayRequest"]


@pytest.mark.parametrize("hours", [-50, 50])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_device_whose_clock_is_wrong_shows_and_does_the_same(tab, checkout, orders, device, hours):
    page = tab(locale="en", **({"user_agent": IPHONE, **SMALL} if device == "phone" else {}))
    page.add_init_script(f"const right = Date.now; Date.now = () => right() + {hours} * 3600 * 1000;")
    page.goto(checkout())
    state(page, "leave" if device == "phone" else "scan")
    page.wait_for_timeout(3000)
    state(page, "leave" if device == "phone" else "scan")
    assert page.locator("#countdown").inner_text().startswith(("4:59:", "04:59:"))
    if device == "phone":
        page.locator("#leave").click()
        page.locator("#pay").wait_for()
    assert len(orders()) == 1


@pytest.mark.parametrize(("agent", "shown"), [(None, "scan"), (IPHONE, "leave")], ids=["desktop", "phone"])
def test_a_second_tab_and_a_reload_show_the_same_order(tab, checkout, orders, agent, shown):
    options = {"user_agent": agent, **SMALL} if agent else {}
    address = checkout()
    pages = [tab(address, locale="en", **options) for _ in range(2)]
    for page in pages:
        state(page, shown)
    for page in pages:
        page.reload()
        state(page, shown)
    assert len(orders()) == 1
    pages[0].goto("about:blank")
    pages[0].go_back()
    state(pages[0], shown)
    assert len(orders()) == 1


def test_a_way_here_that_is_refused_says_where_to_pay(tab, checkout, orders):
    """A proxy of somebody's strips what WeChat has to be told: nothing opens, and no button does nothing."""
    address = checkout()
    desktop = tab(address, locale="en")
    state(desktop, "scan")
    phone = tab(user_agent=IPHONE, locale="en", **SMALL)
    phone.route("**/open", lambda route: route.fulfill(status=403, json={"error": "No.", "code": "NOAUTH"}))
    phone.goto(address)
    state(phone, "held")
    phone.get_by_role("button", name="Pay here instead").click()
    state(phone, "left_there")
    assert not phone.locator("#act").is_visible()


def test_the_link_is_copied_where_the_browser_has_no_clipboard(shop, tab, checkout):
    shop.faults({"on": "h5", "effect": "status", "status": 400, "code": "APPID_MCHID_NOT_MATCH"})
    page = tab(user_agent=IPHONE, locale="en", **SMALL)
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
        "document.execCommand = (what) => { window.selected = document.activeElement.value; return what === 'copy'; };"
    )
    address = checkout()
    page.goto(address)
    state(page, "into_wechat")
    page.locator("#copy").click()
    assert page.locator("#copy").inner_text() == "Copied"
    assert page.evaluate("window.selected") == address


@pytest.mark.parametrize("locale", WORDS)
def test_where_wechat_pay_refuses_h5_a_phone_is_shown_the_way_into_wechat_and_asks_no_more(
    shop, tab, checkout, orders, locale
):
    from sandbox.pages.scanning import text_in

    shop.faults({"on": "h5", "effect": "status", "status": 400, "code": "APPID_MCHID_NOT_MATCH"})
    address = checkout()
    page = tab(address, user_agent=IPHONE, locale=locale, **SMALL)
    state(page, "into_wechat")
    assert page.locator("#copy").is_visible()
    picture = SHOTS / f"devices-into-wechat-{locale}.png"
    page.screenshot(path=picture)
    assert text_in(picture.read_bytes()) == address
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.wait_for_timeout(5000)
    page.reload()
    state(page, "into_wechat")
    page.wait_for_timeout(2000)
    assert posts == []
    assert orders() == []


def test_where_wechat_pay_refuses_a_buyer_within_wechat_the_page_does_not_send_them_there(
    shop, tab, checkout, orders
):
    shop.faults({"on": "jsapi", "effect": "status", "status": 400, "code": "APPID_MCHID_NOT_MATCH"})
    page = tab(user_agent=WECHAT, locale="en", **SMALL)
    page.add_init_script(BRIDGE)
    page.goto(checkout())
    state(page, "refused_here", seconds=30)
    assert "phone's browser" in page.locator("#detail").inner_text()
    assert orders() == []
    shop.faults()
    page.wait_for_selector("#act:not([disabled])")
    page.get_by_role("button", name="Try again").click()
    state(page, "cashier", seconds=30)
    assert len(payable(orders)) == 1


@pytest.mark.parametrize("agent", BOTS)
def test_link_previews_open_nothing(sandbox, shop, checkout, orders, agent):
    address = checkout()
    with requests.Session() as session:
        session.trust_env = False
        for method in ("GET", "HEAD"):
            answer = session.request(method, address, headers={"User-Agent": agent}, timeout=30)
            assert answer.status_code in (200, 404)
    assert orders() == []


def test_a_page_that_nobody_sees_opens_nothing(tab, checkout, orders):
    page = tab()
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true });")
    page.goto(checkout())
    page.wait_for_timeout(3000)
    assert orders() == []


def test_within_wechat_it_is_asked_once_who_the_buyer_is(tab, checkout):
    """The page goes to find out by itself once; whoever comes back unknown has a button and no loop."""
    page = tab(user_agent=WECHAT, locale="en", **SMALL)
    went = []
    address = checkout()

    def to_wechat(route):
        went.append(route.request.url)
        route.fulfill(status=302, headers={"Location": address})

    page.route("**/checkout/*/wechat", to_wechat)
    page.goto(address)
    state(page, "identify")
    page.wait_for_timeout(2500)
    assert went == [f"{address}/wechat"]
    page.get_by_role("button", name="Continue").click()
    state(page, "identify")
    assert len(went) == 2


@pytest.mark.parametrize("locale", WORDS)
def test_within_wechat_the_buyer_is_found_out_silently_and_pays_by_the_cashier(
    shop, tab, checkout, orders, locale
):
    address = checkout()
    page = tab(user_agent=WECHAT, locale=locale, **SMALL)
    page.add_init_script(BRIDGE)
    page.goto(address)
    state(page, "cashier", seconds=30)
    assert page.url.partition("#")[0] == address
    page.screenshot(path=SHOTS / f"devices-cashier-{locale}.png")
    ((name, params),) = page.evaluate("window.invoked")
    assert name == "getBrandWCPayRequest"
    assert shop.control("pay", {"payment": params}).status_code == 200
    state(page, "paid")
    assert [(order["trade_state"], order["trade_type"]) for order in orders()] == [("SUCCESS", "JSAPI")]


def test_one_address_goes_from_the_desktop_into_wechat_and_on_to_the_phones_browser(
    sandbox, tab, checkout, orders
):
    address = checkout()
    desktop = tab(address, locale="en")
    state(desktop, "scan")
    wechat = tab(user_agent=WECHAT, locale="en", **SMALL)
    wechat.add_init_script(BRIDGE)
    wechat.goto(address)
    state(wechat, "held")
    sandbox.clock.advance(4)
    wechat.get_by_role("button", name="Pay here instead").click()
    # Who the buyer is had to be found out first; nothing of the desktop's was ended for that.
    wechat.wait_for_selector('main[data-state="held"], main[data-state="cashier"]', timeout=30_000)
    if wechat.locator("main").get_attribute("data-state") == "held":
        wechat.get_by_role("button", name="Pay here instead").click()
    state(wechat, "cashier", seconds=30)
    assert len(payable(orders)) == 1
    browser = tab(address, user_agent=HUAWEI, locale="en", **SMALL)
    state(browser, "held")
    sandbox.clock.advance(4)
    browser.get_by_role("button", name="Pay here instead").click()
    state(browser, "leave")
    assert len(payable(orders)) == 1
    state(wechat, "held", seconds=25)
    browser.locator("#leave").click()
    browser.locator("#pay").click()
    for page in (browser, wechat, desktop):
        state(page, "paid", seconds=25)
    assert [order["trade_state"] for order in orders()].count("SUCCESS") == 1


def test_without_script_the_page_says_what_it_needs_and_opens_nothing(tab, checkout, orders):
    page = tab(checkout(), java_script_enabled=False, locale="en")
    assert page.locator("noscript p").is_visible()
    assert "needs JavaScript" in page.locator("noscript p").inner_text()
    assert orders() == []
