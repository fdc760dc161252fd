"""A simulator that was asked to keep so many orders forgets what has ended, and nothing else before it must."""

import gc
import json
import subprocess
import sys
import threading

import pytest

from tests.kit.standing_clock import Standing
from tests.simulator.load.driving import driven
from tests.simulator.load.signed import Merchant as Signing
from tests.simulator.load.signed import Orders, Payments, Queries
from wechatpay_simulator import Clock, Simulator
from wechatpay_simulator.forgetting.bound import Bound
from wechatpay_simulator.notifications.deliveries import Delivery
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.refunds.refund import RefundStatus
from wechatpay_simulator.refunds.refund_ledger import RefundLedger

pytestmark = pytest.mark.in_turn

KEPT = 10


def numbers(merchant):
    return [each["out_trade_no"] for each in merchant.control("GET", "orders").json["orders"]]


def closed(merchant, many):
    placed = []
    for _ in range(many):
        placed.append(merchant.placed())
        assert merchant.close(placed[-1]["out_trade_no"]).status == 204
    return placed


def test_the_newest_are_kept_and_what_ended_before_them_is_forgotten(forgetful):
    merchant = forgetful(KEPT)
    placed = [each["out_trade_no"] for each in closed(merchant, 3 * KEPT)]
    assert KEPT <= len(numbers(merchant)) <= KEPT + KEPT // 10
    assert numbers(merchant) == placed[-len(numbers(merchant)) :]


def test_what_was_forgotten_is_unknown_by_each_of_its_names(forgetful, receiver, eventually):
    merchant = forgetful(KEPT)
    order = merchant.placed(notify_url=receiver.url)
    paid = merchant.pay(codeUrl=order["code_url"]).json
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"],
        notify_url=receiver.url,
        amount={"refund": 100, "total": 100, "currency": "CNY"},
    ).json
    merchant.advance(1)
    receiver.wait(2)
    eventually(lambda: {each["status"] for each in merchant.deliveries()} == {200})
    closed(merchant, 2 * KEPT)
    assert merchant.query(order["out_trade_no"]).code == "ORDER_NOT_EXIST"
    assert merchant.query_id(paid["transaction_id"]).code == "ORDER_NOT_EXIST"
    assert merchant.query_refund(refund["out_refund_no"]).code == "RESOURCE_NOT_EXISTS"
    assert merchant.control("POST", "scan", {"codeUrl": order["code_url"]}).code == "ORDER_NOT_FOUND"
    assert merchant.pay(outTradeNo=order["out_trade_no"]).code == "ORDER_NOT_FOUND"
    assert merchant.control("POST", f"notifications/{paid['notification_id']}").status == 404
    assert merchant.deliveries() == []
    assert merchant.native({each: order[each] for each in order if each != "code_url"}).status == 200


def test_what_can_be_paid_yet_is_kept_up_to_twice_as_many(forgetful):
    merchant = forgetful(KEPT)
    placed = [merchant.placed()["out_trade_no"] for _ in range(2 * KEPT)]
    assert numbers(merchant) == placed
    placed += [merchant.placed()["out_trade_no"] for _ in range(KEPT)]
    assert len(numbers(merchant)) <= 2 * KEPT
    assert numbers(merchant) == placed[-len(numbers(merchant)) :]


def test_an_order_whose_time_is_over_has_ended(forgetful):
    merchant = forgetful(KEPT)
    old = [merchant.placed()["out_trade_no"] for _ in range(KEPT)]
    merchant.advance(8 * 86400)
    new = [merchant.placed()["out_trade_no"] for _ in range(KEPT + 2)]
    assert set(old) & set(numbers(merchant)) == set()
    assert set(new[-KEPT:]) <= set(numbers(merchant))


@pytest.mark.parametrize("refund_ends", [None, "ABNORMAL", "SUCCESS"])
def test_an_order_is_kept_until_its_refunds_have_ended(forgetful, receiver, eventually, refund_ends):
    merchant = forgetful(KEPT)
    merchant.control("POST", "settings", {"refundAfter": None})
    order = merchant.paid(notify_url=receiver.url)
    receiver.wait(1)
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"], amount={"refund": 1, "total": 100, "currency": "CNY"}
    ).json
    if refund_ends is not None:
        merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": refund_ends})
    eventually(lambda: merchant.deliveries()[0]["status"] == 200)
    closed(merchant, KEPT + 3)
    expected = 404 if refund_ends == "SUCCESS" else 200
    assert merchant.query(order["out_trade_no"]).status == expected
    assert merchant.query_refund(refund["out_refund_no"]).status == expected


def test_an_order_is_kept_until_its_notification_was_accepted(forgetful, receiver, eventually):
    merchant = forgetful(KEPT)
    receiver.statuses = [500, 200]
    order = merchant.paid(notify_url=receiver.url)
    receiver.wait(1)
    closed(merchant, KEPT + 3)
    assert order["out_trade_no"] in numbers(merchant)
    eventually(lambda: merchant.deliveries()[0]["status"] == 500)
    merchant.advance(15)
    receiver.wait(2)
    eventually(lambda: merchant.deliveries()[-1]["status"] == 200)
    closed(merchant, 3)
    assert order["out_trade_no"] not in numbers(merchant)


def test_an_order_whose_refund_ends_at_the_moment_of_the_look_is_kept_until_that_was_told():
    clock = Clock()
    to_be_told: set[str] = set()
    ledger = Ledger(clock)
    refunds = RefundLedger(ledger, clock, told=lambda refund: to_be_told.add(refund.order.out_trade_no))
    refunds.after = None
    money = {"total": 1, "currency": "CNY"}
    for number in ("ORDER1", "ORDER2"):
        ledger.place("NATIVE", {"out_trade_no": number, "amount": money}, lambda now: f"code of {now}")
    ledger.pay(out_trade_no="ORDER1")
    refunds.accept({"out_trade_no": "ORDER1", "out_refund_no": "REFUND", "amount": money | {"refund": 1}})
    end = threading.Thread(target=refunds.end, args=("REFUND", RefundStatus.SUCCESS))

    def waiting():
        before = set(to_be_told)
        end.start()
        end.join(0.1)  # it waits for the look to end
        return before

    gone = refunds.forget(Bound(1), waiting)
    end.join()
    assert to_be_told == {"ORDER1"}
    assert "ORDER1" not in gone


def test_beyond_the_bound_a_notification_is_not_repeated_any_more(forgetful, receiver, eventually):
    merchant = forgetful(KEPT)
    receiver.statuses = [500]
    merchant.paid(notify_url=receiver.url)
    receiver.wait(1)
    eventually(lambda: merchant.deliveries()[0]["status"] == 500)
    for _ in range(2 * KEPT + 2):
        merchant.placed()
    assert merchant.deliveries() == []
    merchant.advance(15)
    another = merchant.paid(notify_url=receiver.url)
    receiver.wait(2)
    told = [merchant.decrypt(json.loads(each.body)["resource"]) for each in receiver.received]
    assert told[1]["out_trade_no"] == another["out_trade_no"]


def test_notifications_of_no_order_have_the_same_bound(forgetful, receiver, eventually):
    merchant = forgetful(KEPT)
    body = {"eventType": "X.Y", "plaintext": "z", "url": receiver.url}
    for _ in range(3 * KEPT):
        merchant.control("POST", "notify", body)
    receiver.wait(3 * KEPT)
    eventually(lambda: {each["status"] for each in merchant.deliveries()} == {200})
    merchant.control("POST", "notify", body)
    assert len(merchant.deliveries()) <= KEPT + KEPT // 10 + 1


def test_of_an_orders_many_codes_the_latest_is_kept(forgetful):
    merchant = forgetful(KEPT)
    order = merchant.order()
    codes = [merchant.native(order).json["code_url"] for _ in range(10 * KEPT + 1)]
    assert merchant.control("POST", "scan", {"codeUrl": codes[0]}).code == "ORDER_NOT_FOUND"
    assert merchant.pay(codeUrl=codes[-1]).status == 200


def test_codes_tokens_and_rules_that_are_used_up_have_it_too(forgetful):
    merchant = forgetful(KEPT)
    mine = merchant.credentials
    for _ in range(2 * KEPT):
        code = merchant.control("POST", "login", {"appid": mine.appid, "person": "alice"}).json["code"]
        asked = {"appid": mine.appid, "secret": mine.app_secret, "code": code}
        token = merchant.asked("/sns/oauth2/access_token", **asked, grant_type="authorization_code").json
        merchant.control(
            "POST", "faults", {"rules": [{"on": "query", "effect": "html", "status": 502, "times": 1}]}
        )
        assert merchant.query("NOBODY").status == 502
    assert (
        merchant.asked("/sns/auth", access_token=token["access_token"], openid=token["openid"]).json[
            "errcode"
        ]
        == 0
    )
    assert len(merchant.control("GET", "faults").json["rules"]) <= KEPT + 1


def test_nothing_is_forgotten_unless_it_is_asked_for(merchant):
    placed = [each["out_trade_no"] for each in closed(merchant, 3 * KEPT)]
    assert numbers(merchant) == placed


def live(kind):
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_two_thousand_orders_leave_no_more_objects_than_the_bound_says(credentials, tmp_path):
    signing = Signing(credentials_written(tmp_path, credentials))
    kinds = (Order, Notification, Delivery)
    before = [live(kind) for kind in kinds]
    # Else a slow machine would repeat the notifications meanwhile.
    simulator = Simulator(credentials, clock=Standing(), signing_clock=Clock(), keep_orders=100)
    url = simulator.start()
    try:
        for hundred in range(20):
            orders = [f"H{hundred:03}N{number:03}" for number in range(100)]
            driven(url, signing.signed(Orders(orders)))
            driven(url, signing.signed(Queries(orders[-1:])))
            driven(url, signing.signed(Payments(orders[::10])))
        now = [live(kind) for kind in kinds]
    finally:
        simulator.stop()
    assert now[0] - before[0] <= 200
    # One order in ten is paid, and nobody takes its notification: without forgetting there would be 200 of each.
    assert now[1] - before[1] <= 40
    assert now[2] - before[2] <= 40


def credentials_written(folder, credentials):
    path = folder / "credentials.json"
    credentials._save(path)
    return path


@pytest.mark.parametrize("number", ["0", "1.5"])
def test_a_number_that_is_none_is_refused_in_words(credentials_file, number):
    command = [
        *(sys.executable, "-m", "wechatpay_simulator", "serve"),
        *("--credentials", str(credentials_file), f"--keep-orders={number}"),
    ]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert f"{number!r} is not a whole number, 1 or more" in told.stderr


@pytest.mark.parametrize("most", [1, 2, 7, 10, 100])
def test_the_bound_holds_at_each_count(most):
    """Nothing ends: never more than twice as many are kept, and at each look the newest stay."""
    bound, names = Bound(most), []
    for number in range(5 * most + 20):
        names.append(str(number))
        if bound.is_due(len(names)):
            gone = set(bound.beyond(names, lambda _: False))
            assert gone.isdisjoint(names[-most:])
            names = [each for each in names if each not in gone]
        assert len(names) <= 2 * most
