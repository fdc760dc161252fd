"""Faults on notifications: what arrives, how often, in which order, and signed how."""

import base64
import json
import re
import time

import pytest
from cryptography.exceptions import InvalidSignature


def fault(merchant, **rule):
    response = merchant.control("POST", "faults", {"rules": [{"on": "notification", **rule}]})
    assert response.status == 200, response.body


def paid(merchant, receiver):
    order = merchant.placed(notify_url=receiver.url)
    return merchant.pay(codeUrl=order["code_url"]).json["notification_id"]


def ids(received):
    return [json.loads(each.body)["id"] for each in received]


def test_a_dropped_attempt_never_leaves_and_the_ladder_goes_on(merchant, receiver):
    fault(merchant, effect="drop", times=1)
    paid(merchant, receiver)
    time.sleep(0.1)
    assert receiver.received == []
    assert [each["status"] for each in merchant.deliveries()] == ["dropped"]
    merchant.advance(15)
    receiver.wait(1)
    assert len({each["id"] for each in merchant.deliveries()}) == 1


def test_dropped_until_cleared_is_lost_for_good(merchant, receiver, eventually):
    fault(merchant, effect="drop")
    paid(merchant, receiver)
    for rung in range(1, 16):
        eventually(lambda rung=rung: len(merchant.deliveries()) >= rung)
        merchant.advance(21600)
    eventually(lambda: len(merchant.deliveries()) == 16)
    merchant.advance(86400)
    time.sleep(0.1)
    assert {each["status"] for each in merchant.deliveries()} == {"dropped"}
    assert len(merchant.deliveries()) == 16
    assert receiver.received == []


def test_copies_arrive_together_with_the_same_id(merchant, receiver, eventually):
    fault(merchant, effect="duplicate", copies=3, times=1)
    notification_id = paid(merchant, receiver)
    came = receiver.wait(3)
    assert ids(came) == [notification_id] * 3
    assert len({each.body for each in came}) == 1
    for each in came:
        merchant.verify(each.headers, each.body)
    eventually(lambda: [each["status"] for each in merchant.deliveries()] == [200] * 3)
    merchant.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 3


def test_refused_copies_are_retried_once(merchant, receiver, eventually):
    receiver.statuses = [500]
    fault(merchant, effect="duplicate", copies=2, times=1)
    paid(merchant, receiver)
    receiver.wait(2)
    eventually(lambda: [each["status"] for each in merchant.deliveries()] == [500] * 2)
    merchant.advance(15)
    receiver.wait(3)
    time.sleep(0.1)
    assert len(receiver.received) == 3


def test_a_delay_runs_on_the_clock(merchant, receiver):
    fault(merchant, effect="delay", seconds=3600, times=1)
    paid(merchant, receiver)
    merchant.advance(3590)
    time.sleep(0.1)
    assert merchant.deliveries() == []
    merchant.advance(10)
    [came] = receiver.wait(1)
    merchant.verify(came.headers, came.body)


def test_a_reordered_notification_comes_after_the_next(merchant, receiver):
    fault(merchant, effect="reorder", times=1)
    first, second = paid(merchant, receiver), paid(merchant, receiver)
    assert ids(receiver.wait(2)) == [second, first]


def test_reordering_goes_on_pair_by_pair(merchant, receiver, eventually):
    fault(merchant, effect="reorder")
    sent = []
    for count in (2, 4):
        sent += [paid(merchant, receiver), paid(merchant, receiver)]
        receiver.wait(count)
        eventually(lambda: {each["status"] for each in merchant.deliveries()} == {200})
    assert ids(receiver.received) == [sent[1], sent[0], sent[3], sent[2]]


def test_a_reordered_notification_without_a_next_waits_fifteen_seconds(merchant, receiver):
    fault(merchant, effect="reorder", times=1)
    paid(merchant, receiver)
    merchant.advance(10)
    time.sleep(0.1)
    assert receiver.received == []
    merchant.advance(5)
    receiver.wait(1)
    merchant.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 1


def spoiled(merchant, receiver, eventually, effect):
    """The spoiled attempt; the merchant refuses it, and what comes 15 s later is right."""
    receiver.statuses = [401, 204]
    fault(merchant, effect=effect, times=1)
    paid(merchant, receiver)
    receiver.wait(1)
    eventually(lambda: merchant.deliveries()[0]["status"] == 401)
    merchant.advance(15)
    bad, good = receiver.wait(2)
    assert bad.body == good.body
    merchant.verify(good.headers, good.body)
    return bad


@pytest.mark.parametrize("effect", ["bad_signature", "probe_signature"])
def test_a_wrong_signature_is_followed_by_a_right_one(merchant, receiver, eventually, effect):
    bad = spoiled(merchant, receiver, eventually, effect)
    signature = bad.headers["Wechatpay-Signature"]
    assert signature.startswith("WECHATPAY/SIGNTEST/") is (effect == "probe_signature")
    plain = signature.removeprefix("WECHATPAY/SIGNTEST/")
    assert len(base64.b64decode(plain, validate=True)) == 256
    with pytest.raises(InvalidSignature):
        merchant.verify(bad.headers | {"Wechatpay-Signature": plain}, bad.body)


def test_a_notification_may_lack_its_signature(merchant, receiver, eventually):
    bad = spoiled(merchant, receiver, eventually, "no_signature")
    assert not [name for name in bad.headers if name.lower().startswith("wechatpay-")]


def test_a_notification_may_name_an_unknown_key(merchant, receiver, eventually):
    bad = spoiled(merchant, receiver, eventually, "wrong_serial")
    assert re.fullmatch(r"PUB_KEY_ID_[0-9]{34}", bad.headers["Wechatpay-Serial"])
    mine = merchant.credentials.wechat_public_key_id
    merchant.verify(bad.headers | {"Wechatpay-Serial": mine}, bad.body)


def test_a_notification_may_be_stale(merchant, receiver, eventually):
    bad = spoiled(merchant, receiver, eventually, "stale")
    assert merchant.clock.time() - int(bad.headers["Wechatpay-Timestamp"]) > 600


def test_sending_again_by_hand_meets_no_fault(merchant, receiver):
    fault(merchant, effect="drop")
    notification_id = paid(merchant, receiver)
    assert merchant.control("POST", f"notifications/{notification_id}").json["status"] == 200
    [came] = receiver.wait(1)
    merchant.verify(came.headers, came.body)
