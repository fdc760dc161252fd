"""WeChat's own pages in a real browser: the phone's way by H5, the page behind an h5_url, the redirect that tells who reads."""

import re
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.browser.chromium import SHOTS
from tests.simulator.merchant import Merchant

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
)
SMALL = {"width": 390, "height": 844}
HERE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "iOS"}}


@pytest.fixture
def merchant(sandbox):
    return Merchant(
        sandbox.simulator, sandbox.credentials, sandbox.clock, open_platform_url=sandbox.open_platform
    )


def state(merchant, order):
    return merchant.query(order["out_trade_no"]).json["trade_state"]


def test_a_phones_browser_pays_and_comes_back(sandbox, merchant, tab):
    order = merchant.h5_order(scene_info=HERE, description="茶 <Tea>")
    back = f"{sandbox.api}/success?order=1"
    link = merchant.h5(order).json["h5_url"] + "&redirect_url=" + quote(back, safe="")
    page = tab(user_agent=PHONE, **SMALL)
    page.goto(link, referer=f"{sandbox.api}/")
    assert page.get_by_role("heading").inner_text() == "¥1.00"
    assert page.get_by_text("茶 <Tea>").is_visible()
    assert page.locator("#cancel").get_attribute("href") == back
    page.screenshot(path=SHOTS / "h5-page.png")
    assert state(merchant, order) == "NOTPAY"
    page.locator("#pay").click()
    page.wait_for_url(back)
    assert state(merchant, order) == "SUCCESS"


@pytest.mark.parametrize(
    ("agent", "from_page", "words"),
    [
        (WECHAT, True, "请在微信外打开订单，进行支付"),
        (PHONE, False, "商家参数格式有误，请联系商家解决"),
    ],
    ids=["inside WeChat", "no Referer"],
)
def test_whom_the_page_turns_away_reads_why(sandbox, merchant, tab, agent, from_page, words):
    order = merchant.h5_order(scene_info=HERE)
    page = tab(user_agent=agent, **SMALL)
    page.goto(merchant.h5(order).json["h5_url"], referer=f"{sandbox.api}/" if from_page else None)
    assert page.get_by_role("heading").inner_text() == words
    assert page.locator("#pay").count() == 0


@pytest.mark.parametrize(
    ("locale", "confirm", "reads"),
    [("en", "Confirm payment", "请在微信外打开订单"), ("zh-CN", "确认支付", "请在微信外打开订单")],
)
def test_the_buyers_phone_plays_every_way_to_come(sandbox, merchant, tab, locale, confirm, reads):
    order = merchant.h5_order(description=f"H5 {locale}")
    merchant.h5(order)
    phone = tab(f"{sandbox.api}/phone", locale=locale, **SMALL)
    phone.get_by_role("button", name=f"H5 {locale}").click()
    phone.locator("#visit").select_option("wechat")
    phone.get_by_role("button", name=confirm, exact=True).click()
    phone.get_by_text(reads).wait_for()
    phone.screenshot(path=SHOTS / f"phone-h5-{locale}.png")
    phone.locator("#visit").select_option("browser")
    phone.get_by_role("button", name=confirm, exact=True).click()
    phone.locator("#back").wait_for()
    assert phone.locator("#visit").is_hidden()
    assert state(merchant, order) == "SUCCESS"


def test_a_page_inside_wechat_learns_who_reads_it_and_again_the_same(sandbox, merchant, tab):
    page = tab(user_agent=WECHAT, **SMALL)
    openids = []
    for turn in ("A", "B"):
        link = {
            "appid": merchant.credentials.appid,
            "redirect_uri": f"{sandbox.api}/success?turn={turn}",
            "response_type": "code",
            "scope": "snsapi_base",
            "state": turn,
        }
        page.goto(f"{sandbox.open_platform}/connect/oauth2/authorize?{urlencode(link)}#wechat_redirect")
        found = parse_qs(urlsplit(page.url).query)
        assert (found["turn"], found["state"]) == ([turn], [turn])
        told = merchant.asked(
            "/sns/oauth2/access_token",
            appid=merchant.credentials.appid,
            secret=merchant.credentials.app_secret,
            code=found["code"][0],
            grant_type="authorization_code",
        ).json
        openids.append(told["openid"])
    assert openids[0] == openids[1]
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", openids[0])
