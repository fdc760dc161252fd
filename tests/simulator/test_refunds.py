"""Refunds of an order: accepted, repeated, shown, and never more than it has left."""

import re
import threading
import time

DAY = 86400
AMOUNTS_DIFFER = "订单金额或退款金额与之前请求不一致，请核实后再试"


def part(refund, total=100):
    return {"refund": refund, "total": total, "currency": "CNY"}


def held(merchant, **settings):
    """No refund ends by itself from now on."""
    response = merchant.control("POST", "settings", {"refundAfter": None} | settings)
    assert response.status == 200, response.body


def accepted(merchant, order, refund=100, **changes):
    request = {"out_trade_no": order["out_trade_no"], "amount": part(refund)} | changes
    response = merchant.refund(**request)
    assert response.status == 200, response.body
    merchant.verify(response.headers, response.body)
    return response.json


def refused(merchant, order, refund, message=None, **changes):
    response = merchant.refund(**{"out_trade_no": order["out_trade_no"], "amount": part(refund)} | changes)
    assert (response.status, response.code) == (400, "INVALID_REQUEST"), response.body
    assert message is None or response.json["message"] == message
    merchant.verify(response.headers, response.body)


def end(merchant, refund, status):
    return merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": status})


def test_a_refund_is_accepted_whole(merchant):
    held(merchant)
    order = merchant.paid(notify_url="http://127.0.0.1:9/order")
    refund = accepted(merchant, order, 30)
    assert re.fullmatch(r"503\d{26}", refund["refund_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", refund["create_time"])
    assert merchant.query_refund(refund["out_refund_no"]).json == refund
    del refund["refund_id"], refund["out_refund_no"], refund["create_time"]
    assert refund == {
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "status": "PROCESSING",
        "funds_account": "UNSETTLED",
        "amount": {
            "total": 100,
            "refund": 30,
            "payer_total": 100,
            "payer_refund": 30,
            "settlement_total": 100,
            "settlement_refund": 30,
            "discount_refund": 0,
            "currency": "CNY",
            "refund_fee": 0,
        },
        "promotion_detail": [],
    }


def test_the_first_refund_turns_the_order_whatever_becomes_of_it(merchant):
    held(merchant)
    order = merchant.paid()
    refund = accepted(merchant, order, 1)
    found = merchant.query(order["out_trade_no"]).json
    assert (found["trade_state"], found["transaction_id"]) == ("REFUND", order["transaction_id"])
    end(merchant, refund, "CLOSED")
    assert merchant.query(order["out_trade_no"]).json["trade_state"] == "REFUND"
    assert merchant.pay(outTradeNo=order["out_trade_no"]).code == "ORDER_PAID"
    assert merchant.close(order["out_trade_no"]).code == "ORDER_PAID"


def test_the_same_request_again_is_the_same_refund(merchant, receiver):
    order = merchant.paid()
    request = {
        "out_refund_no": "R1",
        "reason": "商品已售完",
        "notify_url": receiver.url,
    }
    first = accepted(merchant, order, 60, **request)
    assert accepted(merchant, order, 60, **request) == first
    by_other_number = {"out_trade_no": ..., "transaction_id": order["transaction_id"]}
    assert accepted(merchant, order, 60, **request, **by_other_number) == first
    merchant.advance(1)
    again = accepted(merchant, order, 60, **request)
    assert (again["refund_id"], again["status"]) == (first["refund_id"], "SUCCESS")
    merchant.advance(400 * DAY)
    assert accepted(merchant, order, 60, **request) == again
    assert len(merchant.control("GET", "orders").json["orders"][0]["refunds"]) == 1
    time.sleep(0.1)
    assert len(receiver.received) == 1


def test_a_closed_refund_stays_closed_under_its_number(merchant):
    order = merchant.paid()
    refund = accepted(merchant, order, out_refund_no="R1")
    end(merchant, refund, "CLOSED")
    assert accepted(merchant, order, out_refund_no="R1")["status"] == "CLOSED"


def test_the_same_number_for_something_else_is_refused(merchant):
    order, other = merchant.paid(), merchant.paid()
    accepted(merchant, order, 60, out_refund_no="R1", reason="商品已售完")
    same = {"out_refund_no": "R1", "reason": "商品已售完"}
    refused(merchant, order, 61, AMOUNTS_DIFFER, **same)
    refused(merchant, order, 60, AMOUNTS_DIFFER, **same | {"amount": part(60, total=101)})
    content = "请求内容和上次请求不一致，请核实后再试。"
    refused(merchant, other, 60, content, **same)
    refused(merchant, {"out_trade_no": "NOBODY-KNOWS"}, 60, content, **same)
    refused(merchant, order, 60, content, **same | {"reason": "other"})
    refused(merchant, order, 60, content, **same | {"reason": ...})
    refused(merchant, order, 60, content, **same | {"notify_url": "https://example.com/other"})
    assert merchant.query(other["out_trade_no"]).json["trade_state"] == "SUCCESS"


def test_refunds_never_exceed_the_order(merchant):
    order = merchant.paid()
    accepted(merchant, order, 60)
    refused(merchant, order, 41, "申请退款金额大于订单剩余可退金额")
    accepted(merchant, order, 40)
    merchant.advance(1)
    refused(merchant, order, 1, "申请退款金额大于订单剩余可退金额")


def test_a_closed_refund_gives_its_money_back_an_abnormal_one_does_not(merchant):
    order = merchant.paid()
    refund = accepted(merchant, order, 60)
    end(merchant, refund, "ABNORMAL")
    refused(merchant, order, 41)
    end(merchant, refund, "CLOSED")
    accepted(merchant, order, 100)


def test_of_many_refunds_at_once_no_more_than_the_order_holds_are_taken(merchant):
    order = merchant.paid()
    statuses = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(
                merchant.refund(out_trade_no=order["out_trade_no"], amount=part(30)).status
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 3 + [400] * 5


def test_an_order_has_fifty_refunds(merchant):
    order = merchant.paid()
    for _ in range(50):
        accepted(merchant, order, 1)
    refused(merchant, order, 1, "订单退款次数已达到上限50次")


def test_an_order_is_refunded_for_a_year(merchant):
    order = merchant.paid()
    merchant.advance(365 * DAY - 30)
    accepted(merchant, order, 1)
    merchant.advance(60)
    refused(merchant, order, 1, "订单支付时间已超过一年，不支持退款")


def test_a_minute_between_two_refunds_is_asked_for_only_when_set(merchant):
    order, other = merchant.paid(), merchant.paid()
    accepted(merchant, order, 1)
    accepted(merchant, order, 1)
    assert merchant.control("POST", "settings", {"minuteBetweenRefunds": True}).status == 200
    response = merchant.refund(out_trade_no=order["out_trade_no"], amount=part(1))
    assert (response.status, response.code) == (429, "FREQUENCY_LIMITED")
    merchant.verify(response.headers, response.body)
    accepted(merchant, other, 1)
    merchant.advance(60)
    accepted(merchant, order, 1)
    merchant.advance(50)
    response = merchant.refund(out_trade_no=order["out_trade_no"], amount=part(1))
    assert response.status == 429


def test_the_ledger_shows_refunds(merchant):
    held(merchant)
    order = merchant.paid()
    first, second = accepted(merchant, order, 30), accepted(merchant, order, 20)
    end(merchant, second, "ABNORMAL")
    [entry] = merchant.control("GET", "orders").json["orders"]
    assert entry["trade_state"] == "REFUND"
    assert entry["refunds"] == [
        {
            "out_refund_no": refund["out_refund_no"],
            "refund_id": refund["refund_id"],
            "status": shown,
            "amount": {"refund": amount},
        }
        for refund, shown, amount in ((first, "PROCESSING", 30), (second, "ABNORMAL", 20))
    ]
