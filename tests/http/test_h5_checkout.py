"""The checkout page of an H5 order: what each device is given, what it costs, and what it tells WeChat of itself."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http.test_checkout import MAC_WECHAT, PHONE, WECHAT_BROWSER, Buyer, Tags

pytestmark = pytest.mark.in_turn

BATCH, GET, UPDATE = "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
ORDER = {"contentId": "content-1", "amount": "8.80", "subject": "A photograph", "clientIp": "127.0.0.1"}


@pytest.fixture
def buyer(shop):
    return Buyer(shop)


@pytest.fixture
def order(shop):
    return shop.post("h5", ORDER).data


def test_a_phones_browser_is_given_the_link_and_no_code(buyer, order):
    view = buyer.view(order["checkoutUrl"], user_agent=PHONE).json
    assert view["h5Url"] == order["h5Url"]
    assert view["codeExpiresAt"] == order["expiresAt"]
    assert {"codeUrl", "qrCode", "paymentParams"}.isdisjoint(view)

    tags = Tags(buyer.page(order["checkoutUrl"], user_agent=PHONE).text)
    assert tags.texts["title"] == "WeChat Pay"
    assert (tags.hidden("leave"), tags.hidden("code"), tags.hidden("asked")) == (False, True, True)
    (link,) = [attributes["href"] for _, attributes in tags.found if attributes.get("id") == "leave"]
    assert link == order["h5Url"]


@pytest.mark.parametrize(
    ("agent", "title", "code_hidden"),
    [
        (WECHAT_BROWSER, "Open in your browser", True),
        (DESKTOP, "Pay on your phone", False),
        (MAC_WECHAT, "Pay on your phone", False),
    ],
)
def test_nobody_else_is_given_the_link(buyer, order, agent, title, code_hidden):
    view = buyer.view(order["checkoutUrl"], user_agent=agent).json
    assert {"h5Url", "codeUrl", "codeExpiresAt", "paymentParams"}.isdisjoint(view)
    answer = buyer.page(order["checkoutUrl"], user_agent=agent)
    tags = Tags(answer.text)
    assert (tags.texts["title"], tags.hidden("code"), tags.hidden("leave")) == (title, code_hidden, True)
    assert "checkmweb" not in answer.text


def test_whoever_comes_back_from_wechat_is_asked_and_nothing_is_assumed(buyer, order):
    (back,) = parse_qs(urlsplit(order["h5Url"]).query)["redirect_url"]
    tags = Tags(buyer.page(back, user_agent=PHONE).text)
    assert tags.texts["title"] == "Have you paid?"
    assert (tags.hidden("asked"), tags.hidden("leave")) == (False, False)


def test_the_page_that_leads_to_wechat_lets_its_origin_through_and_no_other_does(shop, buyer, order):
    leading = buyer.page(order["checkoutUrl"], user_agent=PHONE)
    assert leading.headers["referrer-policy"] == "origin"
    directives = leading.headers["content-security-policy"]
    for closed in ("default-src 'none'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert closed in directives
    others = [
        buyer.view(order["checkoutUrl"], user_agent=PHONE),
        buyer.page(order["checkoutUrl"] + "x", user_agent=PHONE),
        buyer.page(shop.order()["checkoutUrl"], user_agent=PHONE),
    ]
    assert {answer.headers["referrer-policy"] for answer in others} == {"no-referrer"}


def test_a_link_in_its_last_minute_is_renewed_for_whoever_can_use_it_and_for_nobody_else(shop, buyer):
    order = shop.post("h5", ORDER | {"contentId": "content-2"}).data
    shop.sandbox.clock.advance(241)
    for agent in (WECHAT_BROWSER, DESKTOP):
        with shop.spending("CheckoutFunction") as spent:
            buyer.view(order["checkoutUrl"], user_agent=agent)
        assert (spent.aws, spent.outbound) == ([GET], [])
    fresh = buyer.view(order["checkoutUrl"], user_agent=PHONE).json
    assert fresh["h5Url"] != order["h5Url"]
    shop.sandbox.clock.advance(60)
    assert shop.control("POST", "pay", {"h5Url": order["h5Url"]}).status == 410
    assert shop.control("POST", "pay", {"h5Url": fresh["h5Url"]}).status == 200


def test_where_no_fresh_link_can_be_had_none_is_shown(shop, buyer):
    order = shop.post("h5", ORDER | {"contentId": "content-3"}).data
    shop.sandbox.clock.advance(241)
    rule = {"on": "h5", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"}
    shop.control("POST", "faults", {"rules": [rule]})
    try:
        answer = buyer.page(order["checkoutUrl"], user_agent=PHONE)
    finally:
        shop.simulator.send("DELETE", "/_sandbox/faults")
    tags = Tags(answer.text)
    assert (tags.hidden("leave"), tags.hidden("code")) == (True, True)
    assert "checkmweb" not in answer.text
    assert answer.headers["referrer-policy"] == "origin"  # a link may come, while the page stays


def test_a_buyer_who_says_to_have_paid_has_wechat_pay_asked_and_hears_its_word(shop, buyer, order):
    number = order["outTradeNo"]
    with shop.wire.notifications_lost():
        assert shop.control("POST", "pay", {"h5Url": order["h5Url"]}).status == 200
        assert buyer.view(order["checkoutUrl"], user_agent=PHONE).json["status"] == "waiting"
        with shop.spending("CheckoutFunction") as spent:
            told = buyer.view(order["checkoutUrl"] + "?asked=1", user_agent=PHONE).json
    assert told["status"] == "paid"
    assert spent.aws == [UPDATE, UPDATE]
    assert spent.asked(number) == [("GET", 200)]


def test_many_who_ask_at_once_ask_wechat_pay_once(shop, buyer, order):
    with shop.spending("CheckoutFunction") as spent:
        for _ in range(4):
            assert buyer.view(order["checkoutUrl"] + "?asked=1", user_agent=PHONE).json["status"] == "waiting"
    assert spent.asked(order["outTradeNo"]) == [("GET", 200)]


def test_the_page_itself_asks_nobody_whatever_its_address_says(shop, buyer, order):
    with shop.spending("CheckoutFunction") as spent:
        buyer.page(order["checkoutUrl"] + "?asked=1&returned=1", user_agent=PHONE)
    assert (spent.aws, spent.outbound) == ([GET], [])
