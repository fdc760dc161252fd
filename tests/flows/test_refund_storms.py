"""Refunds in parallel: money goes out once for each wish, and never more than came in."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.kit.shop import Shop
from tests.thorough import ROUNDS

pytestmark = pytest.mark.in_turn


def test_two_refunds_of_sixty_on_a_hundred_with_different_keys_one_is_accepted(shop: Shop) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            number = shop.paid_order("100.00")
            answers = list(pool.map(lambda key, n=number: shop.refund(n, 60, key=key), ["one", "two"]))
            assert sorted(answer.status_code for answer in answers) == [200, 422]
            refused = next(answer for answer in answers if answer.status_code == 422)
            assert refused.json()["code"] == "REFUND_EXCEEDS"
            book = shop.book(number)
            assert book is not None
            assert [refund["amount"]["refund"] for refund in book["refunds"]] == [6000]


def test_a_double_click_without_a_key_moves_money_once(shop: Shop) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            number = shop.paid_order("200.00")
            answers = [
                answer.json()["data"] for answer in pool.map(lambda _, n=number: shop.refund(n, 60), range(2))
            ]
            assert len({answer["outRefundNo"] for answer in answers}) == 1
            assert sorted(answer.get("duplicate", False) for answer in answers) == [False, True]
            book = shop.book(number)
            assert book is not None
            assert [refund["amount"]["refund"] for refund in book["refunds"]] == [6000]


def test_parallel_partial_refunds_never_exceed_the_sum(shop: Shop) -> None:
    count = 50 if ROUNDS >= 50 else 20
    chance = random.Random(7)
    number = shop.paid_order("100.00")
    amounts = [chance.randrange(300, 1500) for _ in range(count)]

    def ask(index: int) -> int:
        while True:
            answer = shop.refund(number, f"{amounts[index] / 100:.2f}", key=f"refund-{index}")
            if answer.status_code != 503:
                return answer.status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(ask, range(count)))
    assert set(statuses) == {200, 422}
    accepted = sum(amount for amount, status in zip(amounts, statuses, strict=True) if status == 200)
    book = shop.book(number)
    assert book is not None
    assert sum(refund["amount"]["refund"] for refund in book["refunds"]) == accepted <= 10000
    left = 10000 - accepted
    assert all(amount > left for amount, status in zip(amounts, statuses, strict=True) if status == 422)


def test_a_key_is_one_refund_and_another_amount_under_it_is_refused(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    first = shop.refund(number, 10, key="k", reason="because").json()["data"]
    again = shop.refund(number, "10.00", key="k", reason="because").json()["data"]
    assert (again["outRefundNo"], again["duplicate"]) == (first["outRefundNo"], True)
    for changed in (shop.refund(number, 11, key="k", reason="because"), shop.refund(number, 10, key="k")):
        assert (changed.status_code, changed.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    other = shop.refund(number, 10, key="other", reason="because").json()["data"]
    assert other["outRefundNo"] != first["outRefundNo"]
