"""H5 orders: the scene that they require, the h5_url and its five minutes, and who can pay by it."""

import json
import re
from urllib.parse import quote

import pytest

IP = "203.0.113.7"
SCENE = {"payer_client_ip": IP, "h5_info": {"type": "Wap"}}


def h5_url(merchant, order):
    response = merchant.h5(order)
    assert response.status == 200, response.body
    assert response.json.keys() == {"h5_url"}
    merchant.verify(response.headers, response.body)
    return response.json["h5_url"]


def refused(merchant, order, code="PARAM_ERROR"):
    response = merchant.h5(order)
    assert (response.status, response.code) == (400, code), response.body
    merchant.verify(response.headers, response.body)
    return response


def test_an_h5_url_is_shaped_as_wechat_pays_own_and_leads_to_this_machine(shared_merchant):
    url = h5_url(shared_merchant, shared_merchant.h5_order())
    found = re.fullmatch(
        r"(http://127\.0\.0\.1:\d+)/cgi-bin/mmpayweb-bin/checkmweb\?prepay_id=wx\d{14}[0-9a-f]{20}&package=\d{10}",
        url,
    )
    assert found is not None
    assert found[1] == shared_merchant.url


def test_the_link_does_not_depend_on_the_name_that_a_client_calls_us_by(shared_merchant):
    order = shared_merchant.h5_order()
    body = json.dumps(order).encode()
    headers = {"Host": "api.mch.weixin.qq.com"}
    response = shared_merchant.call("POST", "/v3/pay/transactions/h5", body, headers=headers)
    assert response.json["h5_url"].startswith(f"{shared_merchant.url}/")


def test_every_documented_member_of_the_scene_is_taken(shared_merchant):
    scene_info = {
        "payer_client_ip": "2001:db8::7",
        "device_id": "013467007045764",
        "store_info": {"id": "0001", "name": "腾讯大厦分店"},
        "h5_info": {
            "type": "iOS",
            "app_name": "王者荣耀",
            "app_url": "https://pay.qq.com",
            "bundle_id": "com.tencent.wzryiOS",
            "package_name": "com.tencent.tmgp.sgame",
        },
    }
    h5_url(shared_merchant, shared_merchant.h5_order(scene_info=scene_info))


@pytest.mark.parametrize(
    ("scene_info", "pointer", "issue"),
    [
        (..., "/scene_info", "required"),
        ({}, "/scene_info/payer_client_ip", "required"),
        ({"h5_info": {"type": "Wap"}}, "/scene_info/payer_client_ip", "required"),
        ({"payer_client_ip": IP}, "/scene_info/h5_info", "required"),
        ({"payer_client_ip": IP, "h5_info": {}}, "/scene_info/h5_info/type", "required"),
        ({"payer_client_ip": IP, "h5_info": {"type": ""}}, "/scene_info/h5_info/type", "too short"),
        ({"payer_client_ip": IP, "h5_info": {"type": "W" * 33}}, "/scene_info/h5_info/type", "too long"),
        ({"payer_client_ip": IP, "h5_info": {"type": 1}}, "/scene_info/h5_info/type", "wrong type"),
        ({"payer_client_ip": IP, "h5_info": "Wap"}, "/scene_info/h5_info", "wrong type"),
        ({"payer_client_ip": "", "h5_info": {"type": "Wap"}}, "/scene_info/payer_client_ip", "too short"),
        (
            {"payer_client_ip": "1" * 46, "h5_info": {"type": "Wap"}},
            "/scene_info/payer_client_ip",
            "too long",
        ),
        (SCENE | {"referer": "x"}, "/scene_info/referer", "illegal extra parameter"),
        (None, "/scene_info", "wrong type"),
    ],
    ids=repr,
)
def test_the_buyers_address_and_the_kind_of_scene_are_required(shared_merchant, scene_info, pointer, issue):
    detail = refused(shared_merchant, shared_merchant.h5_order(scene_info=scene_info)).json["detail"]
    assert (detail["field"], detail["issue"]) == (pointer, issue)


def test_an_h5_order_names_no_payer(shared_merchant):
    response = refused(shared_merchant, shared_merchant.h5_order(payer={"openid": "o1"}))
    assert response.json["detail"]["field"] == "/payer"


def test_the_other_members_are_checked_as_of_any_order(shared_merchant):
    refused(shared_merchant, shared_merchant.h5_order(amount={"total": 0}))
    refused(shared_merchant, shared_merchant.h5_order(mchid="1999999999"))
    refused(shared_merchant, shared_merchant.h5_order(appid="wx" + "0" * 16), "APPID_MCHID_NOT_MATCH")


def test_the_buyer_pays_and_order_and_notification_say_mweb(shared_merchant, receiver):
    order = shared_merchant.h5_order(notify_url=receiver.url)
    assert shared_merchant.pay(h5Url=h5_url(shared_merchant, order)).status == 200
    found = shared_merchant.query(order["out_trade_no"]).json
    assert (found["trade_type"], found["trade_state"]) == ("MWEB", "SUCCESS")
    [came] = receiver.wait(1)
    assert shared_merchant.decrypt(json.loads(came.body)["resource"])["trade_type"] == "MWEB"


def test_an_h5_url_lives_five_minutes_and_the_same_request_gives_a_fresh_one(merchant):
    order = merchant.h5_order()
    first = h5_url(merchant, order)
    merchant.advance(299)
    second = h5_url(merchant, order)
    assert first != second
    merchant.advance(2)
    refusal = merchant.pay(h5Url=first)
    assert (refusal.status, refusal.code) == (410, "CODE_EXPIRED")
    assert merchant.pay(h5Url=second).json["out_trade_no"] == order["out_trade_no"]
    assert merchant.pay(h5Url=second).code == "ORDER_PAID"
    assert len(merchant.control("GET", "orders").json["orders"]) == 1


def test_an_earlier_h5_url_lives_to_its_own_end(shared_merchant):
    order = shared_merchant.h5_order()
    early = h5_url(shared_merchant, order)
    h5_url(shared_merchant, order)
    assert shared_merchant.pay(h5Url=early).status == 200


@pytest.mark.parametrize(
    "changes",
    [{"amount": {"total": 101}}, {"scene_info": SCENE | {"payer_client_ip": "203.0.113.8"}}],
    ids=lambda changes: next(iter(changes)),
)
def test_the_same_number_with_another_request_is_refused(shared_merchant, changes):
    order = shared_merchant.h5_order()
    h5_url(shared_merchant, order)
    response = refused(shared_merchant, order | changes, "INVALID_REQUEST")
    assert (response.json["message"], response.error_number) == ("201 商户订单号重复", 268498688)


def test_a_number_is_not_used_by_two_products(shared_merchant):
    order = shared_merchant.h5_order()
    ways = {
        "native": shared_merchant.native,
        "jsapi": lambda order: shared_merchant.jsapi(order | {"payer": {"openid": "o1"}}),
        "app": shared_merchant.app,
        "h5": shared_merchant.h5,
    }
    for first, post in ways.items():
        number = shared_merchant.order()["out_trade_no"]
        assert post(order | {"out_trade_no": number}).status == 200
        for other, again in ways.items():
            if other != first:
                response = again(order | {"out_trade_no": number})
                assert (response.status, response.code) == (400, "INVALID_REQUEST"), (first, other)
                assert response.json["message"] == "201 商户订单号重复"


def test_a_paid_and_a_closed_order_are_not_posted_again(shared_merchant):
    paid, closed = shared_merchant.h5_order(), shared_merchant.h5_order()
    shared_merchant.pay(h5Url=h5_url(shared_merchant, paid))
    link = h5_url(shared_merchant, closed)
    assert shared_merchant.close(closed["out_trade_no"]).status == 204
    refused(shared_merchant, paid, "ORDERPAID")
    refused(shared_merchant, closed, "ORDER_CLOSED")
    assert shared_merchant.pay(h5Url=link).code == "ORDER_CLOSED"


REFUSED_VISITS = {
    "another address": ({"ip": "203.0.113.8"}, "H5_ADDRESS_DIFFERS", "网络环境未能通过安全验证，请稍后再试"),
    "no address": ({"ip": "somewhere"}, "H5_ADDRESS_DIFFERS", "网络环境未能通过安全验证，请稍后再试"),
    "no Referer": ({"referer": ""}, "H5_REFERER_MISSING", "商家参数格式有误，请联系商家解决"),
    "a foreign Referer": (
        {"referer": "https://127.0.0.1.example.com/"},
        "H5_REFERER_FOREIGN",
        "商家存在未配置的参数，请联系商家解决",
    ),
    "a Referer that is no address": (
        {"referer": "http://[localhost/"},
        "H5_REFERER_FOREIGN",
        "商家存在未配置的参数，请联系商家解决",
    ),
    "inside WeChat": ({"insideWeChat": True}, "H5_INSIDE_WECHAT", "请在微信外打开订单，进行支付"),
}


@pytest.mark.parametrize(("visit", "code", "words"), REFUSED_VISITS.values(), ids=REFUSED_VISITS.keys())
def test_whom_wechat_pay_turns_away_pays_nothing(shared_merchant, visit, code, words):
    order = shared_merchant.h5_order()
    url = h5_url(shared_merchant, order)
    response = shared_merchant.pay(h5Url=url, **visit)
    assert (response.status, response.code) == (403, code)
    assert words in response.json["error"]
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"
    assert shared_merchant.pay(h5Url=url).status == 200  # it is not used up by that


def test_the_same_address_may_be_written_in_two_ways(shared_merchant):
    scene_info = SCENE | {"payer_client_ip": "2001:0db8:0000::7"}
    url = h5_url(shared_merchant, shared_merchant.h5_order(scene_info=scene_info))
    assert shared_merchant.pay(h5Url=url, ip="2001:db8::7").status == 200
    url = h5_url(shared_merchant, shared_merchant.h5_order())
    assert shared_merchant.pay(h5Url=url, ip=f"::ffff:{IP}").status == 200


def test_a_registered_domain_stands_for_its_subdomains(merchant):
    settings = merchant.control("POST", "settings", {"h5Domains": ["example.com"]})
    assert settings.json["h5Domains"] == ["example.com"]
    for referer, code in {
        "https://example.com/pay": None,
        "https://shop.example.com:8443/pay?a=b": None,
        "https://badexample.com/": "H5_REFERER_FOREIGN",
        "http://127.0.0.1/": "H5_REFERER_FOREIGN",
        "ftp://example.com/": "H5_REFERER_FOREIGN",
    }.items():
        response = merchant.pay(h5Url=h5_url(merchant, merchant.h5_order()), referer=referer)
        assert (response.status, response.json.get("code")) == (403 if code else 200, code), referer


def test_the_merchant_may_append_the_way_back_on_a_registered_domain_alone(shared_merchant):
    url = h5_url(shared_merchant, shared_merchant.h5_order())
    for foreign in ("https://example.org/", "javascript://localhost/%0aalert(1)"):
        response = shared_merchant.pay(h5Url=f"{url}&redirect_url={quote(foreign, safe='')}")
        assert response.code == "H5_REFERER_FOREIGN"
    back = quote("http://localhost:8000/success?order=1", safe="")
    assert shared_merchant.pay(h5Url=f"{url}&redirect_url={back}").status == 200


def test_nobody_knows_an_order_by_a_link_that_was_not_handed_out(shared_merchant):
    url = h5_url(shared_merchant, shared_merchant.h5_order())
    others = (
        url[:-1],
        url.replace("package=", "package=1"),
        url.partition("?")[0],
        "x",
        "http://[x?a",
    )
    for other in others:
        assert (shared_merchant.pay(h5Url=other).status, shared_merchant.pay(h5Url=other).code) == (
            404,
            "ORDER_NOT_FOUND",
        )


@pytest.mark.parametrize(
    "body",
    [
        {"h5Url": ""},
        {"h5Url": 1},
        {"outTradeNo": "T12345678", "ip": IP},
        {"outTradeNo": "T12345678", "referer": "https://a"},
        {"h5Url": "LINK", "outTradeNo": "T12345678"},
        {"h5Url": "LINK", "ip": ""},
        {"h5Url": "LINK", "ip": None},
        {"h5Url": "LINK", "referer": None},
        {"h5Url": "LINK", "insideWeChat": "yes"},
    ],
    ids=repr,
)
def test_a_visit_that_is_none_is_a_bad_control(shared_merchant, body):
    if body.get("h5Url") == "LINK":
        body = body | {"h5Url": h5_url(shared_merchant, shared_merchant.h5_order())}
    response = shared_merchant.control("POST", "pay", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
