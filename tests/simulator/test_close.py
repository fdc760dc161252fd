"""Closing an order: 204 over nothing, who is refused, and what cannot be done afterwards."""

import json

import pytest


def closed(merchant, out_trade_no):
    response = merchant.close(out_trade_no)
    assert (response.status, response.body) == (204, b""), response.body
    assert response.headers["content-type"] == "application/json"
    assert response.error_number == 0
    merchant.verify(response.headers, b"")


def refused(merchant, response, code, status=400):
    assert (response.status, response.code) == (status, code)
    merchant.verify(response.headers, response.body)
    return response


def test_an_unpaid_order_is_closed(shared_merchant):
    order = shared_merchant.placed()
    closed(shared_merchant, order["out_trade_no"])
    found = shared_merchant.query(order["out_trade_no"]).json
    assert (found["trade_state"], found["trade_state_desc"]) == ("CLOSED", "订单已关闭")
    assert "transaction_id" not in found


def test_a_closed_order_is_closed_again(shared_merchant):
    order = shared_merchant.placed()
    closed(shared_merchant, order["out_trade_no"])
    closed(shared_merchant, order["out_trade_no"])


def test_an_unknown_number_is_closed_and_can_be_ordered_later(shared_merchant):
    order = shared_merchant.order()
    closed(shared_merchant, order["out_trade_no"])
    assert shared_merchant.query(order["out_trade_no"]).code == "ORDER_NOT_EXIST"
    assert shared_merchant.native(order).status == 200


def test_an_order_past_its_time_is_closed(merchant):
    expiring = merchant.placed(time_expire="2020-01-01T00:00:00+08:00")
    merchant.advance(61)
    closed(merchant, expiring["out_trade_no"])
    assert merchant.query(expiring["out_trade_no"]).json["trade_state"] == "CLOSED"


def test_nobody_pays_a_closed_order(shared_merchant):
    order = shared_merchant.placed()
    jsapi = shared_merchant.order(payer={"openid": "o1"})
    prepay_id = shared_merchant.jsapi(jsapi).json["prepay_id"]
    closed(shared_merchant, order["out_trade_no"])
    closed(shared_merchant, jsapi["out_trade_no"])
    for way in (
        {"codeUrl": order["code_url"]},
        {"outTradeNo": order["out_trade_no"]},
        {"prepayId": prepay_id},
    ):
        refusal = shared_merchant.pay(**way)
        assert (refusal.status, refusal.code) == (409, "ORDER_CLOSED")
    del order["code_url"]
    refused(shared_merchant, shared_merchant.native(order), "ORDER_CLOSED")


def test_a_paid_order_is_not_closed(shared_merchant):
    order = shared_merchant.placed()
    shared_merchant.pay(codeUrl=order["code_url"])
    response = refused(shared_merchant, shared_merchant.close(order["out_trade_no"]), "ORDER_PAID")
    assert (response.json["message"], response.error_number) == ("该订单已支付", 268449538)
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "SUCCESS"


def test_an_order_may_be_too_young_to_be_closed(merchant):
    assert merchant.control("POST", "settings", {"closeAfter": 300}).json["closeAfter"] == 300
    order = merchant.placed()
    merchant.advance(299)
    response = refused(merchant, merchant.close(order["out_trade_no"]), "RULE_LIMIT", 403)
    assert response.json["message"] == "订单生成后不能马上关闭，请稍后再试"
    assert merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"
    merchant.advance(1)
    closed(merchant, order["out_trade_no"])
    closed(merchant, order["out_trade_no"])


def test_an_order_that_is_posted_again_is_no_younger_for_it(merchant):
    merchant.control("POST", "settings", {"closeAfter": 300})
    order = merchant.order()
    merchant.native(order)
    merchant.advance(200)
    merchant.native(order)
    merchant.advance(100)
    closed(merchant, order["out_trade_no"])


def test_a_young_order_that_is_paid_says_so(merchant):
    merchant.control("POST", "settings", {"closeAfter": 300})
    order = merchant.placed()
    merchant.pay(codeUrl=order["code_url"])
    refused(merchant, merchant.close(order["out_trade_no"]), "ORDER_PAID")


def test_a_path_parameter_is_not_repeated(shared_merchant):
    order = shared_merchant.placed()
    number, mchid = order["out_trade_no"], shared_merchant.credentials.mchid
    response = shared_merchant.close(number, mchid=mchid, out_trade_no=number)
    refused(shared_merchant, response, "PARAM_ERROR")
    assert response.json["detail"] == {
        "field": "/out_trade_no",
        "value": "",
        "issue": "already mapped from /uri_template/out_trade_no",
        "location": "body",
    }
    target = f"/v3/pay/transactions/out-trade-no/{number}/close?out_trade_no={number}"
    body = json.dumps({"mchid": mchid}).encode()
    refused(shared_merchant, shared_merchant.call("POST", target, body), "PARAM_ERROR")
    assert shared_merchant.query(number).json["trade_state"] == "NOTPAY"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"{", b'{"mchid":null}', b'{"mchid":1900000109}', b'{"mchid":"1999999999"}'],
    ids=repr,
)
def test_the_body_is_the_callers_mchid(shared_merchant, body):
    order = shared_merchant.placed()
    target = f"/v3/pay/transactions/out-trade-no/{order['out_trade_no']}/close"
    headers = {"Content-Type": "application/json"}
    refused(shared_merchant, shared_merchant.call("POST", target, body, headers=headers), "PARAM_ERROR")
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"


def test_nothing_else_stands_in_the_body(shared_merchant):
    mchid = shared_merchant.credentials.mchid
    response = shared_merchant.close(shared_merchant.placed()["out_trade_no"], mchid=mchid, reason="x")
    refused(shared_merchant, response, "PARAM_ERROR")
    assert response.error_number == 270924358


@pytest.mark.parametrize("number", ["short", "x" * 33, "with%20space"])
def test_a_number_that_none_can_be_is_refused(shared_merchant, number):
    refused(shared_merchant, shared_merchant.close(number), "PARAM_ERROR")


def test_a_number_of_every_kind_of_character_is_closed(shared_merchant):
    order = shared_merchant.placed(out_trade_no=f"{shared_merchant.order()['out_trade_no'][:20]}_-|*")
    closed(shared_merchant, order["out_trade_no"].replace("|", "%7C").replace("*", "%2A"))
    assert shared_merchant.query(order["out_trade_no"].replace("|", "%7C")).json["trade_state"] == "CLOSED"
