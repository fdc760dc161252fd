"""Notifications as they reach a merchant: envelope, signature, retry ladder, and nobody but this machine."""

import itertools
import json
import re
import socket
import threading
import time

import pytest

from wechatpay_simulator import Clock, Simulator
from wechatpay_simulator.notifications.courier import NOT_SENT

LADDER = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600]


def paid(merchant, url):
    order = merchant.placed(notify_url=url)
    return merchant.pay(codeUrl=order["code_url"]).json


def statuses(merchant):
    return [each["status"] for each in merchant.deliveries()]


def test_a_payment_is_notified_at_once(merchant, receiver):
    payment = paid(merchant, receiver.url)
    [came] = receiver.wait(1)
    assert came.path == "/notify"
    assert came.headers["Content-Type"] == "application/json"
    merchant.verify(came.headers, came.body)
    envelope = json.loads(came.body)
    resource = envelope.pop("resource")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", envelope.pop("create_time"))
    assert envelope == {
        "id": payment.pop("notification_id"),
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
    }
    assert merchant.decrypt(resource) == payment
    assert payment == merchant.query(payment["out_trade_no"]).json
    assert (resource["algorithm"], resource["original_type"]) == ("AEAD_AES_256_GCM", "transaction")
    assert (len(resource["nonce"]), resource["associated_data"]) == (12, "transaction")


def test_the_list_shows_what_was_sent(merchant, receiver, eventually):
    payment = paid(merchant, receiver.url)
    [came] = receiver.wait(1)
    eventually(lambda: merchant.deliveries()[0]["status"] == 200)
    [delivery] = merchant.deliveries()
    assert abs(delivery.pop("at") - merchant.clock.time()) < 5
    headers = delivery.pop("headers")
    assert headers.items() <= came.headers.items()
    assert delivery == {
        "id": payment["notification_id"],
        "event_type": "TRANSACTION.SUCCESS",
        "url": receiver.url,
        "body": came.body.decode(),
        "status": 200,
    }


@pytest.mark.parametrize("status", [200, 204])
def test_what_is_accepted_is_not_sent_again(merchant, receiver, eventually, status):
    receiver.statuses = [status]
    paid(merchant, receiver.url)
    eventually(lambda: merchant.deliveries()[0]["status"] == status)
    merchant.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 1


def test_a_refusal_then_an_acceptance_makes_two_deliveries_of_one_notification(
    merchant, receiver, eventually
):
    receiver.statuses = [500, 200]
    paid(merchant, receiver.url)
    receiver.wait(1)
    eventually(lambda: merchant.deliveries()[0]["status"] == 500)
    merchant.advance(13)
    time.sleep(0.1)
    assert len(receiver.received) == 1
    merchant.advance(2)
    first, second = receiver.wait(2)
    assert first.body == second.body
    for header in ("Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Timestamp"):
        assert first.headers[header] != second.headers[header]
    merchant.verify(second.headers, second.body)
    eventually(lambda: statuses(merchant) == [500, 200])
    assert len({each["id"] for each in merchant.deliveries()}) == 1
    merchant.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 2


def test_the_ladder_has_fifteen_rungs_in_a_day(merchant, receiver, eventually):
    assert sum(LADDER) == 24 * 3600 + 4 * 60
    receiver.statuses = [503]
    paid(merchant, receiver.url)
    for rung, seconds in enumerate(LADDER, 1):
        receiver.wait(rung)
        eventually(lambda: merchant.deliveries()[-1]["status"] == 503)
        merchant.advance(seconds - 3)
        time.sleep(0.05)
        assert len(receiver.received) == rung
        merchant.advance(3)
    receiver.wait(1 + len(LADDER))
    merchant.advance(7 * 86400)
    time.sleep(0.1)
    assert len(receiver.received) == 16
    times = [each["at"] for each in merchant.deliveries()]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert steps == [pytest.approx(seconds, abs=5) for seconds in LADDER]


def test_any_other_status_is_a_refusal(merchant, receiver, eventually):
    refusals = [201, 301, 302, 400, 401, 404, 500]
    receiver.statuses = [*refusals, 200]
    paid(merchant, receiver.url)
    for count, seconds in enumerate(LADDER[: len(refusals)], 1):
        eventually(lambda count=count: statuses(merchant) == refusals[:count])
        merchant.advance(seconds)
    eventually(lambda: statuses(merchant) == [*refusals, 200])


def test_a_redirect_is_not_followed(merchant, receiver, eventually):
    receiver.statuses, receiver.location = [307], "/elsewhere"
    paid(merchant, receiver.url)
    eventually(lambda: statuses(merchant) == [307])
    assert [each.path for each in receiver.received] == ["/notify"]


def test_a_merchant_who_is_not_there_is_tried_again(merchant, eventually):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        paid(merchant, f"http://127.0.0.1:{taken.getsockname()[1]}/notify")
        eventually(lambda: statuses(merchant) == ["unreachable"])
        merchant.advance(15)
        eventually(lambda: statuses(merchant) == ["unreachable"] * 2)


def test_a_merchant_who_does_not_answer_in_five_seconds_has_refused(merchant, eventually):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        paid(merchant, f"http://127.0.0.1:{silent.getsockname()[1]}/notify")
        deadline = started + 10
        while merchant.deliveries()[0]["status"] == "sending" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert merchant.deliveries()[0]["status"] == "timeout"
        assert 4.5 < time.monotonic() - started < 7


def test_nobody_but_this_machine_is_ever_contacted(merchant, eventually):
    urls = [
        "http://192.0.2.1/notify",
        "https://example.com/notify",
        "http://127.0.0.1.example.com/notify",
        "http://localhost@example.com/notify",
        "http://0.0.0.0/notify",
        "http://127.1/notify",
    ]
    started = time.monotonic()
    payments = [paid(merchant, url) for url in urls]
    eventually(lambda: statuses(merchant) == [NOT_SENT] * len(urls))
    assert [each["id"] for each in merchant.deliveries()] == [each["notification_id"] for each in payments]
    merchant.advance(86400)
    time.sleep(0.05)
    assert len(merchant.deliveries()) == len(urls)
    assert time.monotonic() - started < 3


def test_localhost_is_this_machine(merchant, receiver):
    paid(merchant, receiver.url.replace("127.0.0.1", "localhost"))
    receiver.wait(1)


def test_a_notification_can_be_sent_again_by_hand(merchant, receiver, eventually):
    payment = paid(merchant, receiver.url)
    eventually(lambda: merchant.deliveries()[0]["status"] == 200)
    again = merchant.control("POST", f"notifications/{payment['notification_id']}")
    assert (again.status, again.json["status"]) == (200, 200)
    first, second = receiver.wait(2)
    assert first.body == second.body
    assert first.headers["Wechatpay-Nonce"] != second.headers["Wechatpay-Nonce"]
    merchant.verify(second.headers, second.body)
    assert again.json == merchant.deliveries()[1]


def test_a_copy_sent_by_hand_and_accepted_ends_the_ladder(merchant, receiver, eventually):
    receiver.statuses = [500, 200]
    payment = paid(merchant, receiver.url)
    eventually(lambda: merchant.deliveries()[0]["status"] == 500)
    assert merchant.control("POST", f"notifications/{payment['notification_id']}").json["status"] == 200
    merchant.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 2


def test_many_payments_at_once_are_all_notified(merchant, receiver):
    orders = [merchant.placed(notify_url=receiver.url) for _ in range(40)]
    threads = [threading.Thread(target=merchant.pay, kwargs={"codeUrl": each["code_url"]}) for each in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [merchant.decrypt(json.loads(each.body)["resource"]) for each in receiver.wait(40)]
    assert {each["out_trade_no"] for each in told} == {each["out_trade_no"] for each in orders}


def test_a_stopped_simulator_sends_nothing_any_more(credentials, merchant_of, receiver, eventually):
    receiver.statuses = [500]
    clock = Clock()
    simulator = Simulator(credentials, clock=clock)
    simulator.start()
    merchant = merchant_of(simulator, clock)
    paid(merchant, receiver.url)
    eventually(lambda: statuses(merchant) == [500])
    simulator.stop()
    clock.advance(86400)
    time.sleep(0.1)
    assert len(receiver.received) == 1


def test_a_clock_that_is_advanced_from_outside_releases_a_retry_promptly(merchant, receiver, eventually):
    receiver.statuses = [500, 200]
    paid(merchant, receiver.url)
    eventually(lambda: statuses(merchant) == [500])
    merchant.clock.advance(15)
    receiver.wait(2, seconds=1)
