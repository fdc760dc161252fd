"""GET /checkout/{token}/wechat: to WeChat and back, believed once, by the browser that was sent; and never round in circles."""

import re
from urllib.parse import urlsplit

import pytest

from tests.http.leaks import leaks
from tests.kit.dynamodb import time_out
from tests.openids.visitor import HERE, Visitor

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; WOW64) Chrome/126.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781 WindowsWechat(0x63090c33)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/537.36 MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.7(0x13080712)"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def page(checkout):
    return urlsplit(checkout["checkoutUrl"]).path


def leads_to_the_page(sent, checkout):
    """And renders nothing, and has nothing else happen."""
    assert (sent.status, sent.location, sent.body, sent.cookies) == (302, page(checkout), "", [])
    return True


def identified(visitor, checkout):
    return visitor.sees(checkout)["status"] == "ready"


def test_the_browser_is_sent_to_wechat_as_wechat_wants_it(street):
    checkout, alice = street.checkout(), Visitor(street)
    assert alice.sees(checkout)["identifyUrl"] == f"{page(checkout)}/wechat"

    sent = alice.goes(checkout)
    link = urlsplit(sent.location)
    assert (sent.status, sent.body, link.fragment) == (302, "", "wechat_redirect")
    assert f"{link.scheme}://{link.netloc}{link.path}" == (
        f"{street.login.simulator.open_platform_url}/connect/oauth2/authorize"
    )
    assert list(sent.query) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    state = sent.query["state"]
    assert re.fullmatch("[A-Z2-7]{26}", state)
    assert sent.query | {"state": ""} == {
        "appid": street.login.credentials.appid,
        "redirect_uri": f"{HERE}{page(checkout)}/wechat",
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "",
    }
    (cookie,) = sent.cookies
    assert re.fullmatch(
        r"checkout_device=[A-Z2-7]{26}; Path=/checkout/; Max-Age=604800; HttpOnly; SameSite=Lax", cookie
    )
    assert (sent.headers["cache-control"], sent.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert state not in str(street.db.items("CheckoutsTable"))  # a hash is kept


def test_over_https_the_cookie_goes_over_nothing_else(street):
    street.wiring.settings._environment["WECHAT_NOTIFY_URL"] = (
        "https://a.example/api/v1/payments/wechat/notify"
    )
    (cookie,) = Visitor(street).goes(street.checkout()).cookies
    assert cookie.endswith("; Secure")


def test_it_comes_back_and_the_page_knows_its_buyer(street):
    checkout, alice = street.checkout(), Visitor(street)
    assert alice.sees(checkout)["status"] == "identify"
    assert leads_to_the_page(alice.is_identified(checkout), checkout)
    assert alice.openid(checkout) == street.login.code("shop", "alice")[1]
    assert identified(alice, checkout)
    assert not identified(Visitor(street, "bob"), checkout)


def test_one_browser_has_one_cookie_for_all_its_checkouts_and_is_somebody_to_each_by_itself(street):
    one, other, alice = street.checkout(), street.checkout(contentId="content-2"), Visitor(street)
    alice.is_identified(one)
    before = dict(alice.cookies)
    assert not identified(alice, other)
    alice.is_identified(other)
    assert alice.cookies == before
    assert identified(alice, one)
    assert identified(alice, other)


def test_a_reload_of_the_return_changes_nothing_and_asks_nobody(street):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))
    alice.goes(checkout, **back)
    asked = len(street.login.counted("WeChatTime"))
    for _ in range(2):
        assert leads_to_the_page(alice.goes(checkout, **back), checkout)
    assert identified(alice, checkout)
    assert len(street.login.counted("WeChatTime")) == asked


def test_a_return_is_believed_of_the_browser_that_was_sent_alone(street):
    """Who sends somebody else their own return makes them nobody."""
    checkout, eve, alice = street.checkout(), Visitor(street, "eve"), Visitor(street)
    alice.goes(checkout)
    back = eve.is_led_back(eve.goes(checkout))
    for victim in (alice, Visitor(street, "bob")):
        assert leads_to_the_page(victim.goes(checkout, **back), checkout)
        assert victim.openid(checkout) is None
    assert street.login.counted("WeChatTime") == []
    eve.goes(checkout, **back)  # hers is still good
    assert identified(eve, checkout)


def test_a_return_to_another_checkout_is_believed_of_neither(street):
    one, other, alice = street.checkout(), street.checkout(contentId="content-2"), Visitor(street)
    alice.goes(other)
    back = alice.is_led_back(alice.goes(one))
    assert leads_to_the_page(alice.goes(other, **back), other)
    assert alice.openid(other) is None
    assert street.login.counted("WeChatTime") == []


@pytest.mark.parametrize(
    "forged",
    [
        {"state": "A" * 26},
        {"state": ""},
        {"state": "a" * 26},
        {"state": "A" * 26 + "\n"},
        {"state": None},
        {"code": None},
        {"code": ""},
        {"code": "a b"},
        {"code": "x" * 513},
    ],
)
def test_a_forged_return_asks_nobody_and_leaves_the_real_one_good(street, forged):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))
    wrong = {name: value for name, value in (back | forged).items() if value is not None}
    assert leads_to_the_page(alice.goes(checkout, **wrong), checkout)
    assert street.login.counted("WeChatTime") == []
    alice.goes(checkout, **back)
    assert identified(alice, checkout)


def test_a_code_that_is_void_leads_to_the_page_and_the_next_tap_begins_anew(street):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))
    street.login.ask(back["code"])  # used up
    assert leads_to_the_page(alice.goes(checkout, **back), checkout)
    assert alice.sees(checkout)["status"] == "identify"
    alice.is_identified(checkout)
    assert identified(alice, checkout)


def test_who_comes_back_too_late_begins_anew(street):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))
    street.wiring.time += 600
    assert leads_to_the_page(alice.goes(checkout, **back), checkout)
    assert street.login.counted("WeChatTime") == []
    alice.is_identified(checkout)
    assert identified(alice, checkout)


@pytest.mark.parametrize(
    ("effect", "parameters"),
    [
        ("errcode", {"errcode": -1}),
        ("errcode", {"errcode": 45011}),
        ("errcode", {"errcode": 40226}),
        ("html", {"status": 502}),
        ("truncate", {}),
        ("status", {"status": 500, "code": "SYSTEM"}),
    ],
)
def test_where_wechat_is_busy_or_broken_the_page_is_shown_and_the_next_tap_begins_anew(
    street, effect, parameters
):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))
    street.login.fault("accessToken", effect, **parameters)
    assert leads_to_the_page(alice.goes(checkout, **back), checkout)
    assert alice.sees(checkout)["status"] == "identify"
    alice.is_identified(checkout)
    assert identified(alice, checkout)


def test_a_wrong_secret_rings_and_the_page_is_shown(street):
    street.login.secrets.put("apps", {"WECHAT_APP_SECRET": "0" * 32})
    checkout, alice = street.checkout(), Visitor(street)
    assert leads_to_the_page(alice.is_identified(checkout), checkout)
    assert alice.sees(checkout)["status"] == "identify"
    assert street.login.counted("AppRefused") == [{"app": "shop"}]
    assert "errcode 40125" in street.login.lines[-2]["exception"]


@pytest.mark.parametrize("app", ["mini", "mobile"])
def test_an_app_whose_buyers_no_page_can_ask_for_sends_nobody_to_wechat(street, app):
    """Where WeChat would show them an error, and no way back."""
    checkout = street.checkout(app=app)
    assert leads_to_the_page(Visitor(street).goes(checkout), checkout)
    assert street.login.lines[-1]["level"] == "ERROR"
    assert street.stored(checkout).visits == {}


@pytest.mark.parametrize("user_agent", ["", WINDOWS, MAC, SAFARI, CRAWLER])
def test_whoever_is_not_within_wechat_on_a_phone_is_sent_nowhere_and_kept_nowhere(street, user_agent):
    checkout = street.checkout()
    assert leads_to_the_page(Visitor(street, user_agent=user_agent).goes(checkout), checkout)
    assert street.stored(checkout).visits == {}


def test_a_checkout_that_is_over_asks_for_nobody(street):
    checkout, alice = street.checkout(), Visitor(street)
    street.wiring.time += 2 * 3600
    assert leads_to_the_page(alice.goes(checkout), checkout)
    assert street.stored(checkout).visits == {}


@pytest.mark.parametrize("token", ["", "of-nobody", "..", "a" * 2000])
def test_an_address_that_opens_nothing_leads_nowhere(street, token):
    answer = street.ask(f"/checkout/{token}/wechat", {}, {})
    assert (answer["statusCode"], "location" in answer["headers"]) == (404, False)


def test_while_the_table_is_silent_the_page_is_shown_and_the_return_may_be_repeated(street):
    checkout, alice = street.checkout(), Visitor(street)
    back = alice.is_led_back(alice.goes(checkout))

    def silent(*_):
        raise time_out()

    street.db.around = silent
    assert leads_to_the_page(alice.goes(checkout, **back), checkout)
    assert leads_to_the_page(alice.goes(checkout), checkout)
    street.db.around = None
    alice.goes(checkout, **back)
    assert identified(alice, checkout)


def test_one_address_has_ten_codes_a_minute(street):
    street.wiring.time -= street.wiring.time % 60
    checkout, eve = street.checkout(), Visitor(street, "eve")
    for _ in range(12):
        eve.goes(checkout, code="0" * 32, state=eve.goes(checkout).query["state"])
    assert len(street.login.counted("WeChatTime")) == 10
    other, alice = street.checkout(contentId="content-2"), Visitor(street)
    alice.is_identified(other)
    assert identified(alice, other)


def test_nothing_of_it_is_logged(street):
    checkout, alice = street.checkout(), Visitor(street)
    sent = alice.goes(checkout)
    back = alice.is_led_back(sent)
    alice.goes(checkout, **back)
    alice.goes(checkout, **back)
    canaries = {
        "code": back["code"],
        "nonce": back["state"],
        "cookie": alice.cookies["checkout_device"],
        "openid": alice.openid(checkout),
        "secret": street.login.credentials.app_secret,
        "token": page(checkout).rpartition(".")[2],
    }
    assert leaks(canaries, street.login.written.getvalue()) == []
    assert [line.get("identified") for line in street.login.lines if "identified" in line] == [True, False]
