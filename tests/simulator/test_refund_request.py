"""What a refund request may say, and which orders have something to refund: each refusal with its status and code."""

import json

import pytest

AMOUNT = {"refund": 100, "total": 100, "currency": "CNY"}
INVALID, PARAM, NOT_THERE = (400, "INVALID_REQUEST"), (400, "PARAM_ERROR"), (404, "RESOURCE_NOT_EXISTS")


def refused(merchant, response, status_and_code, message=None):
    assert (response.status, response.code) == status_and_code, response.body
    assert message is None or response.json["message"] == message
    merchant.verify(response.headers, response.body)
    return response


@pytest.fixture(scope="module")
def order(shared_merchant):
    """Paid, 100 fen; nobody may refund it for good."""
    return shared_merchant.paid()


WRONG = [
    ("/transaction_id", {}),
    ("/out_trade_no", {"out_trade_no": "short"}),
    ("/out_trade_no", {"out_trade_no": None}),
    ("/transaction_id", {"transaction_id": "4" * 33}),
    ("/out_refund_no", {"out_refund_no": ...}),
    ("/out_refund_no", {"out_refund_no": ""}),
    ("/out_refund_no", {"out_refund_no": "R" * 65}),
    ("/out_refund_no", {"out_refund_no": "R 1"}),
    ("/out_refund_no", {"out_refund_no": "退款"}),
    ("/out_refund_no", {"out_refund_no": 1}),
    ("/reason", {"reason": "商" * 27}),
    ("/reason", {"reason": "\U0001f600"}),
    ("/reason", {"reason": ""}),
    ("/notify_url", {"notify_url": "http:/x"}),
    ("/notify_url", {"notify_url": "ftp://example.com/notify"}),
    ("/notify_url", {"notify_url": "https://example.com/notify?a=1"}),
    ("/notify_url", {"notify_url": "https://example.com/" + "x" * 237}),
    ("/funds_account", {"funds_account": "UNAVAILABLE"}),
    ("/amount", {"amount": ...}),
    ("/amount", {"amount": 100}),
    ("/amount/refund", {"amount": {"total": 100, "currency": "CNY"}}),
    ("/amount/total", {"amount": {"refund": 100, "currency": "CNY"}}),
    ("/amount/currency", {"amount": {"refund": 100, "total": 100}}),
    ("/amount/currency", {"amount": AMOUNT | {"currency": "USD"}}),
    ("/amount/refund", {"amount": AMOUNT | {"refund": 0}}),
    ("/amount/refund", {"amount": AMOUNT | {"refund": -1}}),
    ("/amount/refund", {"amount": AMOUNT | {"refund": "100"}}),
    ("/amount/refund", {"amount": AMOUNT | {"refund": 1.5}}),
    ("/amount/total", {"amount": AMOUNT | {"total": 0}}),
    ("/amount/from", {"amount": AMOUNT | {"from": []}}),
    ("/amount/from", {"amount": AMOUNT | {"from": [{"account": "AVAILABLE", "amount": 99}]}}),
    ("/amount/from/0/account", {"amount": AMOUNT | {"from": [{"account": "OTHER", "amount": 100}]}}),
    ("/goods_detail", {"goods_detail": []}),
    ("/goods_detail/0/unit_price", {"goods_detail": [{"merchant_goods_id": "1"}]}),
    ("/mchid", {"mchid": "1900000109"}),
]


@pytest.mark.parametrize(("pointer", "changes"), WRONG, ids=repr)
def test_a_request_against_the_rules_is_refused(shared_merchant, order, pointer, changes):
    numbers = {"transaction_id", "out_trade_no"}
    by = {} if numbers & changes.keys() or not changes else {"out_trade_no": order["out_trade_no"]}
    response = shared_merchant.refund(**{"amount": AMOUNT} | by | changes)
    refused(shared_merchant, response, PARAM)
    assert response.json["detail"]["field"] == pointer
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "SUCCESS"


def test_every_documented_member_is_taken(shared_merchant):
    order = shared_merchant.paid()
    response = shared_merchant.refund(
        transaction_id=order["transaction_id"],
        out_refund_no=f"{order['transaction_id']}_-|*@{'x' * 31}",
        reason="商品已售完" * 5,
        notify_url="https://example.com/notify",
        funds_account="AVAILABLE",
        amount=AMOUNT
        | {"from": [{"account": "AVAILABLE", "amount": 60}, {"account": "UNAVAILABLE", "amount": 40}]},
        goods_detail=[
            {
                "merchant_goods_id": "1217752501201407033233368018",
                "wechatpay_goods_id": "1001",
                "goods_name": "iPhone6s 16G",
                "unit_price": 528800,
                "refund_amount": 100,
                "refund_quantity": 1,
            }
        ],
    )
    assert response.status == 200, response.body
    assert response.json["funds_account"] == "AVAILABLE"
    assert [part["amount"] for part in response.json["amount"]["from"]] == [60, 40]
    number = response.json["out_refund_no"]
    assert len(number) == 64
    assert shared_merchant.query_refund(number.replace("|", "%7C")).json["out_refund_no"] == number


@pytest.mark.parametrize("size", [1, 64])
def test_a_number_has_one_to_64_bytes(shared_merchant, size):
    order = shared_merchant.paid()
    number = "@" if size == 1 else order["out_trade_no"].ljust(size, "x")
    response = shared_merchant.refund(out_trade_no=order["out_trade_no"], out_refund_no=number, amount=AMOUNT)
    assert response.status == 200


def test_the_transaction_id_decides_when_both_numbers_are_there(shared_merchant):
    order, other = shared_merchant.paid(), shared_merchant.paid()
    response = shared_merchant.refund(
        transaction_id=order["transaction_id"], out_trade_no=other["out_trade_no"], amount=AMOUNT
    )
    assert response.json["out_trade_no"] == order["out_trade_no"]
    assert shared_merchant.query(other["out_trade_no"]).json["trade_state"] == "SUCCESS"


def test_an_order_that_nobody_knows_or_paid_has_nothing_to_refund(shared_merchant):
    unpaid, closed = shared_merchant.placed(), shared_merchant.placed()
    shared_merchant.close(closed["out_trade_no"])
    for by in (
        {"out_trade_no": "NOBODY-KNOWS"},
        {"transaction_id": "4" * 28},
        {"out_trade_no": unpaid["out_trade_no"]},
        {"out_trade_no": closed["out_trade_no"]},
    ):
        response = shared_merchant.refund(**by, amount=AMOUNT)
        refused(shared_merchant, response, NOT_THERE, "订单不存在")
    assert shared_merchant.query(unpaid["out_trade_no"]).json["trade_state"] == "NOTPAY"


def test_the_total_is_the_orders_not_what_remains(shared_merchant, order):
    for total in (99, 101):
        response = shared_merchant.refund(
            out_trade_no=order["out_trade_no"], amount=AMOUNT | {"refund": 1, "total": total}
        )
        refused(shared_merchant, response, INVALID, "订单金额或退款金额与之前请求不一致，请核实后再试")


def test_more_than_the_order_is_refused(shared_merchant, order):
    response = shared_merchant.refund(out_trade_no=order["out_trade_no"], amount=AMOUNT | {"refund": 101})
    refused(shared_merchant, response, INVALID, "申请退款金额大于订单剩余可退金额")


def test_a_refund_is_a_post_of_json_without_a_query_string(shared_merchant, order):
    target = "/v3/refund/domestic/refunds"
    body = json.dumps({"out_trade_no": order["out_trade_no"], "out_refund_no": "R", "amount": AMOUNT})
    refused(shared_merchant, shared_merchant.call("POST", f"{target}?a=1", body.encode()), PARAM)
    headers = {"Content-Type": "text/plain"}
    response = shared_merchant.call("POST", target, body.encode(), headers=headers)
    refused(shared_merchant, response, INVALID)
    assert shared_merchant.call("PUT", target, body.encode()).status == 405


@pytest.mark.parametrize(
    ("target", "status_and_code"),
    [
        ("NOBODY-KNOWS", NOT_THERE),
        ("R" * 65, PARAM),
        ("with%20space", PARAM),
        ("R1?mchid=1900000109", PARAM),
        ("R1?out_refund_no=R1", PARAM),
    ],
)
def test_a_query_of_no_refund_is_refused(shared_merchant, target, status_and_code):
    refused(shared_merchant, shared_merchant.query_refund(target), status_and_code)
