"""How a refund ends, by itself or by somebody, how that is told, and the controls for it."""

import json
import threading
import time
from datetime import datetime, timedelta

import pytest

from wechatpay_simulator import Clock, Simulator

HOUR, DAY = 3600, 86400


def accepted(merchant, order, refund=100, **changes):
    amount = {"refund": refund, "total": 100, "currency": "CNY"}
    response = merchant.refund(out_trade_no=order["out_trade_no"], amount=amount, **changes)
    assert response.status == 200, response.body
    return response.json


def held(merchant, **settings):
    """No refund ends by itself from now on."""
    response = merchant.control("POST", "settings", {"refundAfter": None} | settings)
    assert response.status == 200, response.body


def end(merchant, refund, status):
    return merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": status})


def status(merchant, refund):
    return merchant.query_refund(refund["out_refund_no"]).json["status"]


def test_by_itself_a_refund_succeeds_after_a_second(merchant):
    order = merchant.paid()
    refund = accepted(merchant, order)
    assert refund["status"] == "PROCESSING"
    merchant.advance(1)
    found = merchant.query_refund(refund["out_refund_no"]).json
    assert found["status"] == "SUCCESS"
    assert found["success_time"] >= refund["create_time"]
    assert found == refund | {"status": "SUCCESS", "success_time": found["success_time"]}


def test_however_far_the_clock_goes_success_came_after_a_second_and_is_told_at_once(merchant):
    refund = accepted(merchant, merchant.paid(), notify_url="http://127.0.0.1:9/refund")
    merchant.advance(DAY)
    assert "REFUND.SUCCESS" in [each["event_type"] for each in merchant.deliveries()]
    found = merchant.query_refund(refund["out_refund_no"]).json
    times = [datetime.fromisoformat(found[name]) for name in ("create_time", "success_time")]
    assert times[1] - times[0] == timedelta(seconds=1)


def test_after_its_end_a_simulator_ends_no_refund(credentials, merchant_of, receiver):
    clock = Clock()
    simulator = Simulator(credentials, clock=clock)
    simulator.start()
    merchant = merchant_of(simulator, clock)
    accepted(merchant, merchant.paid(), notify_url=receiver.url)
    before = sum(thread.name == "refunds" and thread.is_alive() for thread in threading.enumerate())
    simulator.stop()
    clock.advance(DAY)
    time.sleep(0.1)
    after = sum(thread.name == "refunds" and thread.is_alive() for thread in threading.enumerate())
    assert (after, receiver.received) == (before - 1, [])


def test_the_second_is_on_the_clock_and_nobody_has_to_ask(merchant, receiver):
    order = merchant.paid()
    accepted(merchant, order, notify_url=receiver.url)
    before = time.monotonic()
    receiver.wait(1)
    assert 0.7 < time.monotonic() - before < 3


@pytest.mark.parametrize(
    ("ended_as", "summary"), [("SUCCESS", "退款成功"), ("CLOSED", "退款关闭"), ("ABNORMAL", "退款异常")]
)
def test_the_end_is_told(merchant, receiver, ended_as, summary):
    held(merchant)
    order = merchant.paid()
    refund = accepted(merchant, order, 30, notify_url=receiver.url)
    response = end(merchant, refund, ended_as)
    assert (response.status, response.json["status"]) == (200, ended_as)
    [came] = receiver.wait(1)
    merchant.verify(came.headers, came.body)
    envelope = json.loads(came.body)
    assert (envelope["event_type"], envelope["summary"]) == (f"REFUND.{ended_as}", summary)
    resource = envelope["resource"]
    assert (resource["original_type"], resource["associated_data"]) == ("refund", "refund")
    plaintext = merchant.decrypt(resource)
    assert ("success_time" in plaintext) == (ended_as == "SUCCESS")
    plaintext.pop("success_time", None)
    assert plaintext == {
        "mchid": merchant.credentials.mchid,
        "out_trade_no": order["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": ended_as,
        "user_received_account": "支付用户零钱",
        "amount": {"total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30},
    }
    assert status(merchant, refund) == ended_as


def test_it_is_told_once_and_by_the_ladder(merchant, receiver, eventually):
    receiver.statuses = [500, 200]
    order = merchant.paid()
    refund = accepted(merchant, order, notify_url=receiver.url)
    merchant.advance(1)
    receiver.wait(1)
    eventually(lambda: merchant.deliveries()[-1]["status"] == 500)
    merchant.advance(15)
    first, second = receiver.wait(2)
    assert first.body == second.body
    assert status(merchant, refund) == "SUCCESS"
    merchant.advance(DAY)
    time.sleep(0.1)
    assert len(receiver.received) == 2


def test_without_its_own_notify_url_nobody_is_told(merchant, receiver):
    order = merchant.paid(notify_url=receiver.url)
    receiver.wait(1)
    refund = accepted(merchant, order)
    merchant.advance(1)
    assert status(merchant, refund) == "SUCCESS"
    time.sleep(0.1)
    assert [each["event_type"] for each in merchant.deliveries()] == ["TRANSACTION.SUCCESS"]


@pytest.mark.parametrize("final", ["SUCCESS", "CLOSED"])
def test_success_and_closed_are_final(merchant, final):
    refund = accepted(merchant, merchant.paid())
    assert end(merchant, refund, final).status == 200
    for other in ("SUCCESS", "CLOSED", "ABNORMAL"):
        refusal = end(merchant, refund, other)
        assert (refusal.status, refusal.code) == (409, "REFUND_ENDED")
    merchant.advance(HOUR)
    assert status(merchant, refund) == final


@pytest.mark.parametrize("later", ["SUCCESS", "CLOSED"])
def test_an_abnormal_refund_waits_for_somebody(merchant, receiver, later):
    refund = accepted(merchant, merchant.paid(), notify_url=receiver.url)
    end(merchant, refund, "ABNORMAL")
    merchant.advance(DAY)
    assert status(merchant, refund) == "ABNORMAL"
    assert end(merchant, refund, "ABNORMAL").code == "REFUND_ENDED"
    found = end(merchant, refund, later).json
    assert (found["status"], "success_time" in found) == (later, later == "SUCCESS")
    events = {json.loads(each.body)["event_type"] for each in receiver.wait(2)}
    assert events == {"REFUND.ABNORMAL", f"REFUND.{later}"}


def test_settings_are_for_refunds_from_now_on(merchant):
    order = merchant.paid()
    assert merchant.control("GET", "settings").json["refundAfter"] == 1
    before = accepted(merchant, order, 10)
    held(merchant)
    waiting = accepted(merchant, order, 10)
    changed = merchant.control("POST", "settings", {"refundAfter": HOUR})
    assert changed.json["refundAfter"] == HOUR
    late = accepted(merchant, order, 10)
    merchant.advance(HOUR - 10)
    found = [status(merchant, refund) for refund in (before, waiting, late)]
    assert found == ["SUCCESS", "PROCESSING", "PROCESSING"]
    merchant.advance(10)
    assert [status(merchant, refund) for refund in (waiting, late)] == ["PROCESSING", "SUCCESS"]
    assert end(merchant, waiting, "SUCCESS").status == 200


def test_a_fault_rule_says_how_a_refund_ends(merchant, receiver):
    order = merchant.paid()
    rule = {"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1}
    assert merchant.control("POST", "faults", {"rules": [rule]}).status == 200
    first = accepted(merchant, order, 10, notify_url=receiver.url)
    second = accepted(merchant, order, 10)
    assert first["status"] == "PROCESSING"
    merchant.advance(1)
    assert [status(merchant, refund) for refund in (first, second)] == ["ABNORMAL", "SUCCESS"]
    assert json.loads(receiver.wait(1)[0].body)["event_type"] == "REFUND.ABNORMAL"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("refund", {}),
        ("refund", {"outRefundNo": "R"}),
        ("refund", {"outRefundNo": "R", "status": "PROCESSING"}),
        ("refund", {"outRefundNo": "R", "status": None}),
        ("refund", {"outRefundNo": "R", "status": []}),
        ("refund", {"outRefundNo": 1, "status": "SUCCESS"}),
        ("refund", {"outRefundNo": "", "status": "SUCCESS"}),
        ("refund", {"outRefundNo": "R", "status": "SUCCESS", "amount": 1}),
        ("settings", {"refundAfter": -1}),
        ("settings", {"refundAfter": "1"}),
        ("settings", {"refundAfter": True}),
        ("settings", {"refundAfter": 10**400}),
        ("settings", b'{"refundAfter":NaN}'),
        ("settings", {"minuteBetweenRefunds": 1}),
        ("settings", {"closeAfter": None}),
        ("settings", {"closeAfter": -1}),
        ("settings", {"h5Domains": "localhost"}),
        ("settings", {"h5Domains": ["https://localhost"]}),
        ("settings", {"h5Domains": ["localhost:8000"]}),
        ("settings", {"h5Domains": [1]}),
        ("settings", {"other": 1}),
        ("settings", []),
    ],
    ids=repr,
)
def test_what_a_control_does_not_understand_is_a_400(shared_merchant, name, body):
    response = shared_merchant.control("POST", name, body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert response.json["error"].endswith(".")


def test_an_unknown_refund_does_not_end(shared_merchant):
    response = end(shared_merchant, {"out_refund_no": "NOBODY"}, "SUCCESS")
    assert (response.status, response.code) == (404, "REFUND_NOT_FOUND")
