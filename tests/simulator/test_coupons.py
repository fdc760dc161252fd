"""Coupons, banks and where a refund goes: what the buyer pays is not what the order costs, nor what a refund brings back."""

import json
import random

import pytest

CASH = {"amount": 10, "type": "CASH", "paidBy": "wechatpay", "couponId": "109519", "name": "单品惠-6"}
NOCASH = {"amount": 20, "type": "NOCASH", "scope": "SINGLE", "paidBy": "merchant", "couponId": "109520"}


def paid(merchant, total=100, notify_url="http://127.0.0.1:9/notify", **how):
    order = merchant.placed(amount={"total": total, "currency": "CNY"}, notify_url=notify_url)
    response = merchant.control("POST", "pay", {"codeUrl": order["code_url"]} | how)
    assert response.status == 200, response.body
    return merchant.query(order["out_trade_no"]).json


def refunded(merchant, order, refund):
    amount = {"refund": refund, "total": order["amount"]["total"], "currency": "CNY"}
    response = merchant.refund(
        out_trade_no=order["out_trade_no"], amount=amount, notify_url="http://127.0.0.1:9/"
    )
    assert response.status == 200, response.body
    return response.json


def end(merchant, refund, **how):
    return merchant.control(
        "POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": "SUCCESS"} | how
    )


def test_the_buyer_pays_less_than_the_total(merchant, receiver):
    order = paid(merchant, notify_url=receiver.url, coupons=[CASH, NOCASH])
    assert order["amount"] == {"total": 100, "payer_total": 70, "currency": "CNY", "payer_currency": "CNY"}
    assert order["promotion_detail"][0] == {
        "coupon_id": "109519",
        "name": "单品惠-6",
        "scope": "GLOBAL",
        "type": "CASH",
        "amount": 10,
        "stock_id": "109519",
        "wechatpay_contribute": 10,
        "merchant_contribute": 0,
        "other_contribute": 0,
        "currency": "CNY",
    }
    second = order["promotion_detail"][1]
    assert (second["type"], second["scope"], second["amount"]) == ("NOCASH", "SINGLE", 20)
    assert (second["merchant_contribute"], second["wechatpay_contribute"]) == (20, 0)
    [received] = receiver.wait(1)
    assert merchant.decrypt(json.loads(received.body)["resource"]) == order


def test_bank_and_currency_of_the_buyer_are_told(merchant, receiver):
    order = paid(merchant, notify_url=receiver.url, bankType="ICBC_DEBIT", payerCurrency="HKD")
    assert (order["bank_type"], order["amount"]["payer_currency"]) == ("ICBC_DEBIT", "HKD")
    assert order["amount"]["currency"] == "CNY"
    [received] = receiver.wait(1)
    assert merchant.decrypt(json.loads(received.body)["resource"])["bank_type"] == "ICBC_DEBIT"


def test_a_coupon_has_a_number_and_a_kind_of_its_own_when_nobody_says_so(shared_merchant):
    [coupon] = paid(shared_merchant, coupons=[{"amount": 1}])["promotion_detail"]
    assert (coupon["type"], coupon["scope"], coupon["wechatpay_contribute"]) == ("CASH", "GLOBAL", 1)
    assert coupon["coupon_id"].isdigit()


def test_a_refund_of_everything_gives_each_its_own(merchant):
    order = paid(merchant, coupons=[CASH, NOCASH])
    refund = refunded(merchant, order, 100)
    assert refund["amount"] == {
        "total": 100,
        "refund": 100,
        "payer_total": 70,
        "payer_refund": 70,
        "settlement_total": 80,
        "settlement_refund": 80,
        "discount_refund": 30,
        "currency": "CNY",
        "refund_fee": 0,
    }
    assert [(each["promotion_id"], each["refund_amount"]) for each in refund["promotion_detail"]] == [
        ("109519", 10),
        ("109520", 20),
    ]
    assert refund["promotion_detail"][0] == {
        "promotion_id": "109519",
        "scope": "GLOBAL",
        "type": "CASH",
        "amount": 10,
        "refund_amount": 10,
    }


@pytest.mark.parametrize(("refund", "to_the_buyer"), [(1, 1), (2, 1), (10, 7), (50, 35), (99, 69), (45, 32)])
def test_the_buyers_part_is_rounded_half_up(merchant, refund, to_the_buyer):
    order = paid(merchant, coupons=[CASH, NOCASH])
    amount = refunded(merchant, order, refund)["amount"]
    assert (amount["payer_refund"], amount["discount_refund"]) == (to_the_buyer, refund - to_the_buyer)


def test_the_notification_of_a_refund_tells_the_buyers_part(merchant, receiver):
    merchant.control("POST", "settings", {"refundAfter": None})
    order = paid(merchant, coupons=[CASH, NOCASH])
    amount = {"refund": 50, "total": 100, "currency": "CNY"}
    refund = merchant.refund(out_trade_no=order["out_trade_no"], amount=amount, notify_url=receiver.url).json
    end(merchant, refund)
    told = merchant.decrypt(json.loads(receiver.wait(1)[0].body)["resource"])
    assert told["amount"] == {"total": 100, "refund": 50, "payer_total": 70, "payer_refund": 35}


@pytest.mark.parametrize("seed", range(12))
def test_in_the_end_everybody_has_back_what_they_paid(merchant, seed):
    draw = random.Random(seed)
    merchant.control("POST", "settings", {"refundAfter": None})
    coupons = [{"amount": draw.randint(1, 30), "type": draw.choice(["CASH", "NOCASH"])} for _ in range(3)]
    order = paid(merchant, coupons=coupons)
    left, sums = 100, {"payer_refund": 0, "settlement_refund": 0, "discount_refund": 0}
    back = dict.fromkeys((each["coupon_id"] for each in order["promotion_detail"]), 0)
    while left:
        refund = refunded(merchant, order, min(left, draw.randint(1, 30)))
        amount = refund["amount"]
        assert amount["payer_refund"] + amount["discount_refund"] == amount["refund"]
        assert 0 <= amount["payer_refund"] <= amount["settlement_refund"] <= amount["refund"]
        if draw.random() < 0.3:
            assert end(merchant, refund, status="CLOSED").status == 200
            continue
        left -= amount["refund"]
        sums = {name: sums[name] + amount[name] for name in sums}
        for each in refund["promotion_detail"]:
            back[each["promotion_id"]] += each["refund_amount"]
            assert each["refund_amount"] > 0
    whole = order["amount"]
    not_due = sum(each["amount"] for each in order["promotion_detail"] if each["type"] == "NOCASH")
    assert sums == {
        "payer_refund": whole["payer_total"],
        "discount_refund": whole["total"] - whole["payer_total"],
        "settlement_refund": whole["total"] - not_due,
    }
    assert back == {each["coupon_id"]: each["amount"] for each in order["promotion_detail"]}


def test_coupons_may_pay_everything_and_no_more(merchant):
    order = paid(merchant, total=30, coupons=[CASH, NOCASH])
    assert order["amount"]["payer_total"] == 0
    assert refunded(merchant, order, 7)["amount"]["payer_refund"] == 0
    other = merchant.placed(amount={"total": 29})
    response = merchant.control("POST", "pay", {"codeUrl": other["code_url"], "coupons": [CASH, NOCASH]})
    assert (response.status, response.code) == (409, "COUPONS_TOO_LARGE")
    assert merchant.query(other["out_trade_no"]).json["trade_state"] == "NOTPAY"


def test_a_client_refunds_the_same_whatever_the_buyer_paid(merchant):
    """amount.total is the order's, not what the buyer paid; more than the order has left is refused as ever."""
    order = paid(merchant, coupons=[CASH, NOCASH])
    wrong = {"refund": 70, "total": 70, "currency": "CNY"}
    assert merchant.refund(out_trade_no=order["out_trade_no"], amount=wrong).code == "INVALID_REQUEST"
    assert refunded(merchant, order, 100)["amount"]["refund"] == 100


def test_a_refund_arrives_where_the_control_says(merchant, receiver):
    merchant.control("POST", "settings", {"refundAfter": None})
    order = paid(merchant)
    amount = {"refund": 50, "total": 100, "currency": "CNY"}
    refund = merchant.refund(out_trade_no=order["out_trade_no"], amount=amount, notify_url=receiver.url).json
    where = {
        "channel": "BALANCE",
        "user_received_account": "招商银行信用卡0403",
        "funds_account": "AVAILABLE",
    }
    answer = end(
        merchant,
        refund,
        channel="BALANCE",
        userReceivedAccount="招商银行信用卡0403",
        fundsAccount="AVAILABLE",
    ).json
    assert where.items() <= answer.items()
    assert merchant.query_refund(refund["out_refund_no"]).json == answer
    told = merchant.decrypt(json.loads(receiver.wait(1)[0].body)["resource"])
    assert told["user_received_account"] == "招商银行信用卡0403"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"bankType": ""}, "bankType is"),
        ({"bankType": 1}, "bankType is"),
        ({"payerCurrency": "hkd"}, "payerCurrency is"),
        ({"coupons": {}}, "coupons is"),
        ({"coupons": [CASH] * 21}, "coupons is"),
        ({"coupons": [1]}, "coupons[0] is not an object."),
        ({"coupons": [{}]}, "coupons[0].amount is"),
        ({"coupons": [CASH, {"amount": True}]}, "coupons[1].amount is"),
        ({"coupons": [{"amount": 0}]}, "coupons[0].amount is"),
        ({"coupons": [{"amount": 1.5}]}, "coupons[0].amount is"),
        ({"coupons": [CASH | {"type": "COUPON"}]}, "coupons[0].type is one of CASH, NOCASH."),
        ({"coupons": [CASH | {"scope": []}]}, "coupons[0].scope is one of GLOBAL, SINGLE."),
        ({"coupons": [CASH | {"paidBy": "me"}]}, "coupons[0].paidBy is one of"),
        ({"coupons": [CASH | {"name": ""}]}, "coupons[0].name is"),
        ({"coupons": [CASH | {"coupon_id": "1"}]}, "coupons[0].coupon_id is unknown"),
    ],
    ids=str,
)
def test_how_nobody_pays_is_a_400(shared_merchant, body, said):
    order = shared_merchant.placed()
    response = shared_merchant.control("POST", "pay", {"codeUrl": order["code_url"]} | body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert response.json["error"].startswith(said)
    assert shared_merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "CARD"},
        {"channel": []},
        {"fundsAccount": "OTHER"},
        {"userReceivedAccount": ""},
        {"userReceivedAccount": "x" * 65},
        {"userReceivedAccount": 1},
    ],
    ids=str,
)
def test_where_no_refund_arrives_is_a_400(shared_merchant, body):
    response = shared_merchant.control("POST", "refund", {"outRefundNo": "R", "status": "SUCCESS"} | body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert response.json["error"].startswith(next(iter(body)))
