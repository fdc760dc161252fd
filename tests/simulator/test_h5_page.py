"""The page behind an h5_url, as a phone's browser sees it."""

import re
from urllib.parse import quote, urlencode

import pytest

PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
WECHAT = f"{PHONE} MicroMessenger/8.0.49.2600(0x28003137) NetType/WIFI Language/zh_CN"
BACK = "http://127.0.0.1:8000/success?order=1&x=2"


def link(merchant, **changes):
    scene_info = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
    order = merchant.h5_order(**{"scene_info": scene_info} | changes)
    url = merchant.h5(order).json["h5_url"]
    return order, url.removeprefix(merchant.url)


def opened(merchant, target, *, referer="http://127.0.0.1:8000/checkout/x", agent=PHONE):
    response = merchant.send("GET", target, b"", {"Referer": referer, "User-Agent": agent})
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.body.decode()


def part(pattern, page):
    found = re.search(pattern, page)
    assert found is not None, page
    return found[1]


def code(page):
    return part(r'data-code="([^"]*)"', page)


def tapped(merchant, page):
    action = part(r'action="([^"]+)"', page)
    ticket = part(r'name="ticket" value="([^"]+)"', page)
    form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": PHONE}
    return merchant.send("POST", action, urlencode({"ticket": ticket}).encode(), form)


def state(merchant, order):
    return merchant.query(order["out_trade_no"]).json["trade_state"]


def test_the_page_shows_the_order_and_a_tap_pays_it(shared_merchant, receiver):
    order, target = link(shared_merchant, notify_url=receiver.url, description='<b>"Tea"</b> & 茶')
    page = opened(shared_merchant, target)
    assert code(page) == ""
    assert "¥1.00" in page
    assert "&lt;b&gt;&quot;Tea&quot;&lt;/b&gt; &amp; 茶" in page
    assert state(shared_merchant, order) == "NOTPAY"  # looking pays nothing
    done = tapped(shared_merchant, page)
    assert (done.status, "支付成功" in done.body.decode()) == (200, True)
    assert state(shared_merchant, order) == "SUCCESS"
    assert receiver.wait(1)


def test_the_tap_leads_back_where_the_merchant_said(shared_merchant):
    order, target = link(shared_merchant)
    page = opened(shared_merchant, f"{target}&redirect_url={quote(BACK, safe='')}")
    assert BACK.replace("&", "&amp;") in page  # cancelling leads there, too
    done = tapped(shared_merchant, page)
    assert (done.status, done.headers["location"]) == (303, BACK)
    assert state(shared_merchant, order) == "SUCCESS"


def test_one_page_pays_once(shared_merchant):
    _, target = link(shared_merchant)
    page = opened(shared_merchant, target)
    assert tapped(shared_merchant, page).status == 200
    assert code(tapped(shared_merchant, page).body.decode()) == "CODE_EXPIRED"
    assert code(opened(shared_merchant, target)) == "ORDER_PAID"


def test_whoever_has_opened_it_in_time_can_pay_later_and_nobody_else(merchant):
    order, target = link(merchant)
    page = opened(merchant, target)
    merchant.advance(301)
    late = opened(merchant, target)
    assert (code(late), "支付请求已失效，请重新发起支付" in late) == ("CODE_EXPIRED", True)
    assert tapped(merchant, page).status == 200
    assert state(merchant, order) == "SUCCESS"


def test_a_page_that_is_open_pays_no_closed_order(shared_merchant):
    order, target = link(shared_merchant)
    page = opened(shared_merchant, target)
    assert shared_merchant.close(order["out_trade_no"]).status == 204
    assert code(tapped(shared_merchant, page).body.decode()) == "ORDER_CLOSED"
    assert state(shared_merchant, order) == "CLOSED"


@pytest.mark.parametrize(
    ("how", "refusal", "words"),
    [
        ({"referer": None}, "H5_REFERER_MISSING", "商家参数格式有误，请联系商家解决"),
        ({"referer": "https://example.org/"}, "H5_REFERER_FOREIGN", "商家存在未配置的参数，请联系商家解决"),
        ({"agent": WECHAT}, "H5_INSIDE_WECHAT", "请在微信外打开订单，进行支付"),
    ],
    ids=["no Referer", "a foreign Referer", "inside WeChat"],
)
def test_the_page_says_why_not(shared_merchant, how, refusal, words):
    order, target = link(shared_merchant)
    page = opened(shared_merchant, target, **how)
    assert (code(page), words in page, "<form" in page) == (refusal, True, False)
    assert state(shared_merchant, order) == "NOTPAY"


def test_the_order_of_another_address_is_not_paid_from_here(shared_merchant):
    scene_info = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    _, target = link(shared_merchant, scene_info=scene_info)
    page = opened(shared_merchant, target)
    assert (code(page), "网络环境未能通过安全验证" in page) == ("H5_ADDRESS_DIFFERS", True)


def test_a_link_that_was_not_handed_out_shows_no_order(shared_merchant):
    assert code(opened(shared_merchant, "/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1")) == "ORDER_NOT_FOUND"
    forged = shared_merchant.send(
        "POST", "/cgi-bin/mmpayweb-bin/checkmweb", b"ticket=x", {"User-Agent": PHONE}
    )
    assert code(forged.body.decode()) == "CODE_EXPIRED"
