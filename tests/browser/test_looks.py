"""How the pages look and read: every state in both schemes without an accessibility fault, four sizes, no script, no tricks."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.chromium import SHOTS, state
from tests.http.test_checkout import PHONE, WECHAT_BROWSER, XSS

SIZES = ((320, 640), (390, 844), (768, 1024), (1440, 900))
ENDS = (
    "scan",
    "paid",
    "partially_refunded",
    "refunded",
    "closed",
    "missing",
    "elsewhere",
    "phone",
    "cashier",
    "leave",
    "returned",
    "outside",
    "handheld",
    "held",
)
BRIDGE = """
window.invoked = [];
window.WeixinJSBridge = { invoke: (name, params, done) => {
  window.invoked.push([name, params]); done({ err_msg: "get_brand_wcpay_request:cancel" }); } };
"""


@pytest.fixture(scope="module")
def addresses(sandbox):
    """A checkout address for each state, and the user agent that it takes."""
    from tests.kit.shop import Shop

    shop = Shop(sandbox)

    def opened(name, **members):
        body = {
            "contentId": f"look-{name}",
            "amount": "99.99",
            "subject": "水墨画入门 Ink painting",
        } | members
        body["returnUrl"] = sandbox.api + "/success"
        way = "/jsapi" if "openid" in body else "/h5" if "clientIp" in body else "/native"
        return shop.call("POST", way, body).json()["data"]

    orders = {name: opened(name) for name in ("scan", "closed")}
    shop.close(orders["closed"]["outTradeNo"])
    for name in ("partially_refunded", "refunded"):
        orders[name] = opened(name)
        number = orders[name]["outTradeNo"]
        shop.control("pay", {"outTradeNo": number})
        sandbox.wait_until(lambda number=number: shop.details(number)["status"] == "succeeded")
        refund = shop.refund(number, "99.99" if name == "refunded" else "50").json()["data"]
        shop.control("refund", {"outRefundNo": refund["outRefundNo"], "status": "SUCCESS"})
        sandbox.wait_until(lambda number=number, name=name: shop.details(number)["status"] == name)
    body = {"contentId": "look-paid", "amount": "99.99", "subject": "水墨画入门 Ink painting"}
    orders["paid"] = shop.call("POST", "/native", body).json()["data"]
    shop.control("pay", {"outTradeNo": orders["paid"]["outTradeNo"]})
    sandbox.wait_until(lambda: shop.details(orders["paid"]["outTradeNo"])["status"] == "succeeded")
    orders["elsewhere"] = opened("elsewhere", openid="oBuyer-1")
    found = {name: (order["checkoutUrl"], "") for name, order in orders.items()}
    found["missing"] = (orders["scan"]["checkoutUrl"] + "x", "")
    found["phone"] = (orders["scan"]["checkoutUrl"], PHONE)
    found["cashier"] = (orders["elsewhere"]["checkoutUrl"], WECHAT_BROWSER)
    by_h5 = opened("h5", clientIp="127.0.0.1")["checkoutUrl"]
    found |= {"leave": (by_h5, PHONE), "returned": (by_h5 + "?returned=1", PHONE)}
    found |= {"outside": (by_h5, WECHAT_BROWSER), "handheld": (by_h5, "")}
    body = {"contentId": "look-held", "amount": "99.99", "subject": "水墨画入门 Ink painting"}
    kept = shop.call("POST", "/checkout", body).json()["data"]["checkoutUrl"]
    assert shop.http.post(f"{kept}/open", json={"kind": "native"}, timeout=30).status_code == 200
    found["held"] = (kept, PHONE)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ENDS)
def test_every_state_is_without_an_accessibility_fault(tab, addresses, name, scheme):
    address, agent = addresses[name]
    options = {"user_agent": agent} if agent else {}
    page = tab(
        address, color_scheme=scheme, locale="zh-CN", reduced_motion="reduce", bypass_csp=True, **options
    )
    state(page, name)
    page.screenshot(path=SHOTS / f"state-{name}-{scheme}.png")
    assert faults(page) == []


@pytest.mark.parametrize("path", ["/", "/phone", "/success"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shop_and_phone_are_without_an_accessibility_fault(sandbox, tab, path, scheme):
    page = tab(sandbox.api + path, color_scheme=scheme, locale="en", bypass_csp=True)
    page.wait_for_load_state("networkidle")
    name = path.strip("/") or "shop"
    page.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut_off_at_any_size(sandbox, tab, addresses, width, height, scheme):
    page = tab(width=width, height=height, color_scheme=scheme, locale="en")
    for name, address in (
        ("checkout", addresses["scan"][0]),
        ("shop", sandbox.api),
        ("phone", f"{sandbox.api}/phone"),
        ("handheld", addresses["handheld"][0]),
    ):
        page.goto(address)
        page.wait_for_load_state()
        page.wait_for_timeout(150)
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut_off_where_a_phones_browser_or_wechat_shows_it(tab, addresses, width, height, locale):
    for name in ("leave", "returned", "outside", "held"):
        address, agent = addresses[name]
        page = tab(address, user_agent=agent, width=width, height=height, locale=locale)
        state(page, name)
        page.screenshot(path=SHOTS / f"{name}-{width}-{locale}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_script_draws_what_the_first_paint_said(tab, addresses):
    for name, (address, agent) in addresses.items():
        options = {"user_agent": agent} if agent else {}
        still = tab(address, java_script_enabled=False, **options)
        alive = tab(address, **options)
        for each in ("#title", "#detail"):
            assert alive.locator(each).text_content() == still.locator(each).text_content(), name
        for each in ("#code", "#pay", "#leave", "#asked", "#left", "#back", "#refund"):
            assert alive.locator(each).is_visible() == still.locator(each).is_visible(), (name, each)
        for page in (still, alive):  # each would go on looking
            page.close()


def test_without_script_the_page_reloads_itself_and_goes_on_after_payment(sandbox, tab, order, pay):
    opened = order(returnUrl=f"{sandbox.api}/success?order=none", contentId="no-script")
    page = tab(opened["checkoutUrl"], java_script_enabled=False)
    assert page.locator("#code").is_visible()
    page.screenshot(path=SHOTS / "no-script.png")
    pay(opened)
    page.wait_for_url("**/success?order=none", timeout=15_000)


def test_within_wechat_the_cashier_opens_once_by_itself_and_again_by_the_button(tab, addresses):
    address, agent = addresses["cashier"]
    page = tab(user_agent=agent)
    page.add_init_script(BRIDGE)
    page.goto(address)
    page.wait_for_function("window.invoked.length === 1")
    page.locator("#pay").click()
    page.wait_for_function("window.invoked.length === 2")
    (name, params), _ = page.evaluate("window.invoked")
    assert name == "getBrandWCPayRequest"
    assert set(params) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}


def test_keys_alone_reach_everything(tab, addresses):
    page = tab(addresses["scan"][0], locale="en")
    reached = []
    for _ in range(2):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert reached == ["Back to the shop", "中文"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("text", XSS)
def test_text_never_becomes_anything_else(tab, order, text):
    opened = order(subject=text, body=text, metadata={text: text}, contentId=text, userId=text)
    page = tab(opened["checkoutUrl"])
    page.wait_for_timeout(200)
    assert page.locator("#subject").text_content() == text
    assert (
        page.locator("main script, main svg, main [onload], main [onerror], main [onmouseover]").count() == 0
    )
    assert page.locator("script").count() == 1


def faults(page):
    found = Axe().run(page).response["violations"]
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found]
