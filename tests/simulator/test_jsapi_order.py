"""JSAPI orders: prepay_id, the one buyer who can pay, re-posting."""

import re
from datetime import UTC, datetime, timedelta

import pytest

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def ordered(merchant, **changes):
    """A jsapi order that is in order, not posted yet."""
    return merchant.order(**{"payer": {"openid": OPENID}} | changes)


def prepay_id(merchant, order):
    response = merchant.jsapi(order)
    assert response.status == 200, response.body
    assert response.json.keys() == {"prepay_id"}
    merchant.verify(response.headers, response.body)
    return response.json["prepay_id"]


def refused(merchant, order, code, message=None):
    response = merchant.jsapi(order)
    assert (response.status, response.code) == (400, code)
    assert message is None or response.json["message"] == message
    merchant.verify(response.headers, response.body)
    return response


def test_a_prepay_id_is_wx_and_the_beijing_time_and_digits(shared_merchant):
    found = re.fullmatch(r"wx(\d{14})[0-9a-f]{20}", prepay_id(shared_merchant, ordered(shared_merchant)))
    beijing = datetime.fromtimestamp(shared_merchant.clock.time(), tz=UTC) + timedelta(hours=8)
    assert found is not None
    moment = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert abs(beijing - moment) < timedelta(seconds=10)


def test_the_buyer_pays_by_prepay_id_and_the_order_says_so(shared_merchant, receiver):
    order = ordered(shared_merchant, notify_url=receiver.url)
    payment = shared_merchant.pay(prepayId=prepay_id(shared_merchant, order))
    assert payment.status == 200
    found = shared_merchant.query(order["out_trade_no"]).json
    assert (found["trade_type"], found["trade_state"]) == ("JSAPI", "SUCCESS")
    assert found["payer"] == {"openid": OPENID}
    assert receiver.wait(1)


@pytest.mark.parametrize("key", ["prepayId", "outTradeNo"])
def test_only_the_named_buyer_can_pay(shared_merchant, key):
    order = ordered(shared_merchant)
    credential = prepay_id(shared_merchant, order)
    way = {key: credential if key == "prepayId" else order["out_trade_no"]}
    refusal = shared_merchant.pay(**way, openid="oSomebodyElse")
    assert (refusal.status, refusal.code) == (403, "OPENID_MISMATCH")
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"
    assert shared_merchant.pay(**way, openid=OPENID).json["payer"] == {"openid": OPENID}


@pytest.mark.parametrize(
    ("payer", "pointer"),
    [
        (..., "/payer"),
        ({}, "/payer/openid"),
        ({"openid": ""}, "/payer/openid"),
        ({"openid": None}, "/payer/openid"),
        ({"openid": 1}, "/payer/openid"),
        ({"openid": "o" * 129}, "/payer/openid"),
        ({"openid": "o 1"}, "/payer/openid"),
        ({"openid": "o", "sp_openid": "o"}, "/payer/sp_openid"),
        ("o", "/payer"),
        (None, "/payer"),
    ],
    ids=repr,
)
def test_a_payer_is_an_openid_and_nothing_else(shared_merchant, payer, pointer):
    response = refused(shared_merchant, ordered(shared_merchant, payer=payer), "PARAM_ERROR")
    assert response.json["detail"]["field"] == pointer


def test_the_other_members_are_checked_as_of_any_order(shared_merchant):
    refused(shared_merchant, ordered(shared_merchant, amount={"total": 0}), "PARAM_ERROR")
    refused(shared_merchant, ordered(shared_merchant, mchid="1999999999"), "PARAM_ERROR")
    refused(shared_merchant, ordered(shared_merchant, appid="wx0000000000000000"), "APPID_MCHID_NOT_MATCH")


def test_the_same_request_again_gives_a_new_prepay_id_of_the_same_order(merchant):
    order = ordered(merchant)
    first, second = (prepay_id(merchant, order) for _ in range(2))
    assert first != second
    assert len(merchant.control("GET", "orders").json["orders"]) == 1
    assert merchant.pay(prepayId=second).json["out_trade_no"] == order["out_trade_no"]
    assert merchant.pay(prepayId=first).code == "ORDER_PAID"


def test_an_earlier_prepay_id_lives_to_its_own_end(merchant):
    order = ordered(merchant)
    early = prepay_id(merchant, order)
    merchant.advance(3600)
    later = prepay_id(merchant, order)
    merchant.advance(3601)
    assert (merchant.pay(prepayId=early).status, merchant.pay(prepayId=early).code) == (410, "CODE_EXPIRED")
    assert merchant.pay(prepayId=later).status == 200
    other = ordered(merchant)
    early = prepay_id(merchant, other)
    prepay_id(merchant, other)
    assert merchant.pay(prepayId=early).status == 200


def test_a_prepay_id_lives_two_hours(merchant):
    order = ordered(merchant)
    credential = prepay_id(merchant, order)
    merchant.advance(7201)
    for way in ({"prepayId": credential}, {"outTradeNo": order["out_trade_no"]}):
        assert merchant.pay(**way).code == "CODE_EXPIRED"


@pytest.mark.parametrize(
    "changes",
    [
        {"payer": {"openid": "oSomebodyElse"}},
        {"amount": {"total": 101}},
        {"description": "other"},
        {"time_expire": "2099-01-01T00:00:00+08:00"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_same_number_with_another_request_is_refused(shared_merchant, changes):
    order = ordered(shared_merchant)
    prepay_id(shared_merchant, order)
    response = refused(shared_merchant, order | changes, "INVALID_REQUEST", "201 商户订单号重复")
    assert response.error_number == 268498688


def test_a_number_is_not_used_by_two_products(shared_merchant):
    order = ordered(shared_merchant)
    prepay_id(shared_merchant, order)
    del order["payer"]
    native = shared_merchant.native(order)
    assert (native.status, native.code) == (400, "INVALID_REQUEST")
    assert native.json["message"] == "201 商户订单号重复"
    placed = shared_merchant.placed()
    del placed["code_url"]
    again = placed | {"payer": {"openid": OPENID}}
    refused(shared_merchant, again, "INVALID_REQUEST", "201 商户订单号重复")


def test_a_paid_order_is_not_posted_again(shared_merchant):
    order = ordered(shared_merchant)
    shared_merchant.pay(prepayId=prepay_id(shared_merchant, order))
    refused(shared_merchant, order, "ORDERPAID", "该订单已支付")
