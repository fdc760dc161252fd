"""App orders: a prepay_id for the merchant's own mobile app."""

import json
import re


def test_an_app_order_is_paid_by_its_prepay_id_and_says_app(shared_merchant, receiver):
    order = shared_merchant.order(notify_url=receiver.url)
    response = shared_merchant.app(order)
    assert (response.status, set(response.json)) == (200, {"prepay_id"})
    shared_merchant.verify(response.headers, response.body)
    assert re.fullmatch(r"wx\d{14}[0-9a-f]{20}", response.json["prepay_id"])
    assert shared_merchant.pay(prepayId=response.json["prepay_id"]).status == 200
    found = shared_merchant.query(order["out_trade_no"]).json
    assert (found["trade_type"], found["trade_state"]) == ("APP", "SUCCESS")
    [came] = receiver.wait(1)
    assert shared_merchant.decrypt(json.loads(came.body)["resource"]) == found


def test_a_prepay_id_of_an_app_lives_two_hours_and_is_renewed(merchant):
    order = merchant.order()
    first = merchant.app(order).json["prepay_id"]
    merchant.advance(7201)
    assert merchant.pay(prepayId=first).code == "CODE_EXPIRED"
    second = merchant.app(order).json["prepay_id"]
    assert second != first
    assert merchant.pay(prepayId=second).json["out_trade_no"] == order["out_trade_no"]


def test_an_app_order_names_no_payer(shared_merchant):
    response = shared_merchant.app(shared_merchant.order(payer={"openid": "o1"}))
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["detail"]["field"] == "/payer"
    shared_merchant.verify(response.headers, response.body)


def test_the_other_members_are_checked_as_of_any_order(shared_merchant):
    for changes, code in (
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"mchid": "1999999999"}, "PARAM_ERROR"),
        ({"appid": "wx" + "0" * 16}, "APPID_MCHID_NOT_MATCH"),
    ):
        response = shared_merchant.app(shared_merchant.order(**changes))
        assert (response.status, response.code) == (400, code)
