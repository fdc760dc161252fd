"""What comes back: signatures over the exact bytes, Request-ID, and the two ways to query an order."""

import json
import re

import pytest
from cryptography.exceptions import InvalidSignature


def test_a_success_is_signed_over_its_bytes(shared_merchant):
    response = shared_merchant.native(shared_merchant.order())
    assert response.status == 200
    shared_merchant.verify(response.headers, response.body)
    with pytest.raises(InvalidSignature):
        shared_merchant.verify(response.headers, response.body + b" ")
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_a_business_error_is_signed_too(shared_merchant):
    for response in (
        shared_merchant.query("NOBODY-KNOWS"),
        shared_merchant.native(shared_merchant.order(description="")),
    ):
        assert response.status in {400, 404}
        shared_merchant.verify(response.headers, response.body)


def test_every_answer_has_a_nonce_of_its_own(shared_merchant):
    nonces = {shared_merchant.query("NOBODY-KNOWS").headers["wechatpay-nonce"] for _ in range(5)}
    assert len(nonces) == 5


def test_the_request_id_ends_in_the_error_number(shared_merchant):
    good = shared_merchant.native(shared_merchant.order())
    assert re.fullmatch(r"[0-9A-F]+-0", good.headers["request-id"])
    assert shared_merchant.query("NOBODY-KNOWS").error_number == 268512771


def test_a_native_order_answers_with_a_code_url_and_nothing_else(shared_merchant):
    answer = shared_merchant.native(shared_merchant.order()).json
    assert answer.keys() == {"code_url"}
    assert re.fullmatch(r"weixin://wxpay/bizpayurl\?pr=[0-9A-Za-z]+", answer["code_url"])


def test_an_unpaid_order_has_no_transaction_id(shared_merchant):
    order = shared_merchant.placed(
        attach="only once paid", scene_info={"payer_client_ip": "::1", "device_id": "7"}
    )
    response = shared_merchant.query(order["out_trade_no"])
    assert response.status == 200
    shared_merchant.verify(response.headers, response.body)
    assert response.json == {
        "amount": {"payer_currency": "CNY", "total": 100},
        "appid": order["appid"],
        "mchid": order["mchid"],
        "out_trade_no": order["out_trade_no"],
        "promotion_detail": [],
        "scene_info": {"device_id": "7"},
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
    }


def test_a_paid_order_reads_the_same_by_either_number(shared_merchant):
    order = shared_merchant.placed(attach="a")
    paid = shared_merchant.pay(codeUrl=order["code_url"], openid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o").json
    response = shared_merchant.query_id(paid["transaction_id"])
    assert response.json == shared_merchant.query(order["out_trade_no"]).json
    shared_merchant.verify(response.headers, response.body)
    assert re.fullmatch(r"4200[0-9]{24}", paid["transaction_id"])
    success_time = response.json["success_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", success_time)
    assert response.json == {
        "appid": order["appid"],
        "mchid": order["mchid"],
        "out_trade_no": order["out_trade_no"],
        "transaction_id": paid["transaction_id"],
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "a",
        "success_time": success_time,
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
        "promotion_detail": [],
    }


def test_an_unknown_number_is_a_404(shared_merchant):
    for response in (shared_merchant.query("NOBODY-KNOWS"), shared_merchant.query_id("4" * 28)):
        assert (response.status, response.json) == (404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})


def test_numbers_are_case_sensitive(shared_merchant):
    order = shared_merchant.placed()
    assert shared_merchant.query(order["out_trade_no"].lower()).status == 404


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("", "required"),
        ("?mchid=", "too short"),
        ("?mchid=1900000109", "mchid differs from the one in Authorization"),
        ("?mchid={mchid}&mchid={mchid}", "illegal extra parameter"),
        ("?mchid={mchid}&out_trade_no=NOBODY", "illegal extra parameter"),
    ],
)
def test_the_query_string_names_the_merchant_and_nothing_else(shared_merchant, query, issue):
    query = query.format(mchid=shared_merchant.credentials.mchid)
    for path in ("out-trade-no/NOBODY", "id/" + "4" * 28):
        response = shared_merchant.call("GET", f"/v3/pay/transactions/{path}{query}")
        assert (response.status, response.code) == (400, "PARAM_ERROR")
        assert (response.json["detail"]["issue"], response.json["detail"]["location"]) == (issue, "query")


@pytest.mark.parametrize(
    "number", ["short", "x" * 33, "with%20space", "%E4%B8%AD%E6%96%87%E4%B8%AD", "a.b.c.d"]
)
def test_a_number_that_cannot_be_one_is_refused(shared_merchant, number):
    response = shared_merchant.query(number)
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["detail"]["location"] == "uri_template"
    assert response.json["detail"]["field"] == "out_trade_no"


def test_an_amount_survives_to_the_last_fen(shared_merchant):
    order = shared_merchant.placed(amount={"total": 2**53 + 1})
    body = shared_merchant.query(order["out_trade_no"]).body
    assert json.loads(body)["amount"]["total"] == 2**53 + 1
