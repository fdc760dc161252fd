"""Closing: nobody can pay a closed order, and an order with money in it is never called closed."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.kit.shop import Shop
from tests.thorough import ROUNDS

pytestmark = pytest.mark.share(2, of_file=True)


def test_a_closed_order_cannot_be_paid(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    assert shop.close(number).status_code == 200
    assert shop.control("pay", {"outTradeNo": number}).status_code == 409
    assert [event["detail-type"] for event in shop.events(number)] == ["PaymentCreated", "PaymentClosed"]


def test_a_paid_order_cannot_be_closed(shop: Shop) -> None:
    number = shop.paid_order()
    answer = shop.close(number)
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")


def test_closing_finds_out_that_the_order_was_paid_though_nobody_told_us(shop: Shop) -> None:
    shop.faults({"on": "notification", "effect": "drop"})
    number = shop.native().json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    answer = shop.close(number)
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")
    assert shop.details(number)["status"] == "succeeded"


@pytest.mark.parametrize("effect", ["reset_before", "reset_after", "bad_signature", "html"])
def test_an_unknown_outcome_of_closing_is_asked_about_and_the_truth_told(shop: Shop, effect: str) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.faults({"on": "close", "effect": effect} | ({"status": 502} if effect == "html" else {}))
    answer = shop.close(number)
    book = shop.book(number)
    assert book is not None
    if book["trade_state"] == "CLOSED":
        assert (answer.status_code, answer.json()["data"]["closed"]) == (200, True)
    else:
        assert (answer.status_code, answer.json()["code"]) == (503, "SYSTEMERROR")
        assert shop.details(number)["status"] == "pending"
        shop.faults()
        assert shop.close(number).status_code == 200


def test_another_buyers_order_is_not_there(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    answers = [
        shop.call("POST", "/close", {"outTradeNo": wanted}, scope="payments:pay", sub="somebody-else")
        for wanted in (number, "WX" + "A" * 26)
    ]
    assert answers[0].status_code == 404
    assert answers[0].content == answers[1].content
    assert shop.details(number)["status"] == "pending"


def test_a_buyer_who_also_refunds_closes_nobody_elses_order(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    answer = shop.call(
        "POST", "/close", {"outTradeNo": number}, scope="payments:pay payments:refund", sub="both"
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")
    assert shop.details(number)["status"] == "pending"


def test_when_wechat_pay_hangs_the_caller_still_hears_our_503_in_time(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    hanging = {"effect": "latency", "seconds": 30}
    shop.faults({"on": "close", **hanging}, {"on": "query", **hanging})
    answer = shop.close(number)
    assert (answer.status_code, answer.json().get("code")) == (503, "SYSTEMERROR")
    assert answer.elapsed.total_seconds() < 14


def test_closing_while_the_phone_pays_never_hides_money(shop: Shop) -> None:
    chance = random.Random(11)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            number = shop.native().json()["data"]["outTradeNo"]
            gate = threading.Barrier(2)

            def after(wait: float, act: Callable[[], Any], gate: threading.Barrier = gate) -> Any:
                gate.wait()
                threading.Event().wait(wait)
                return act()

            closing = pool.submit(after, chance.random() * 0.02, partial(shop.close, number))
            paying = pool.submit(
                after, chance.random() * 0.04, partial(shop.control, "pay", {"outTradeNo": number})
            )
            closed, paid = closing.result(), paying.result()
            if paid.status_code == 200:
                shop.sandbox.wait_until(lambda n=number: shop.details(n)["status"] == "succeeded")
                assert (closed.status_code, closed.json()["code"]) == (409, "ORDERPAID")
            else:
                assert closed.status_code == 200
                assert shop.details(number)["status"] == "closed"
