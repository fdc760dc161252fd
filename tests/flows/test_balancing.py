"""A day of a shop's, from its orders to its books: WeChat Pay's bills are fetched, and what differs is found, exactly that."""

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.kit.books import SCOPE, Books
from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.thorough import ROUNDS

pytestmark = pytest.mark.in_turn


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    with Running(schedules=False) as running:
        running.warm()
        yield Books(Shop(running))


@pytest.fixture
def day(books: Books) -> str:
    """A day that has just begun."""
    books.wait_until(9)
    return books.today


def found(shown: dict[str, Any]) -> set[tuple[str, str | None, bool]]:
    return {(each["kind"], each.get("outTradeNo"), each["repaired"]) for each in shown["listed"]}


def test_a_day_of_orders_refunds_and_closes_balances_to_the_fen(books: Books, day: str) -> None:
    shop = books.shop
    whole, part = shop.paid_order("100.00"), shop.paid_order("30.01")
    shop.paid_order("0.01")
    assert shop.close(shop.native("5.00").json()["data"]["outTradeNo"]).status_code == 200
    assert shop.refund(whole, "100.00").status_code == 200
    assert shop.refund(part, "10.00").status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(whole)["status"] == "refunded")
    shop.sandbox.wait_until(lambda: shop.details(part)["status"] == "partially_refunded")
    books.wait_until(11)
    shown = books.compare(day)
    assert (shown["status"], shown["listed"]) == ("balanced", [])
    assert (shown["orders"], shown["amount"]) == (3, "130.02")
    assert (shown["refunds"], shown["refundAmount"]) == (2, "110.00")
    assert shown["ours"] == {"orders": 3, "amount": "130.02", "refunds": 2, "refundAmount": "110.00"}
    details = shop.details(part)
    assert (details["fee"], details["settledOn"], details["refunds"][0]["fee"]) == ("0.18", day, "-0.06")
    links = shown["links"]
    answer = requests.get(links["trade"], timeout=30)
    assert answer.status_code == 200, (links, answer.text)
    text = gzip.decompress(answer.content).decode("utf-8-sig")
    assert text.startswith("交易时间,")
    assert part in text
    assert (
        gzip.decompress(requests.get(links["fund"], timeout=30).content)
        .decode("utf-8-sig")
        .startswith("记账时间,")
    )
    listed = shop.call("GET", f"/bills?from={day}&to={day}", scope=SCOPE).json()["data"]["days"]
    assert [each["status"] for each in listed] == ["balanced"]
    balanced = [event for event in shop.sandbox.events() if event["detail-type"] == "BillBalanced"]
    # By its schedule, which may have come first, and by what was asked for; each at least once, under one id.
    assert {event["detail"]["billDate"] for event in balanced} == {day}
    assert all(event["detail"]["id"].startswith(f"{day}#") for event in balanced)


def test_what_nobody_told_us_is_repaired_by_signed_answers(books: Books, day: str) -> None:
    shop = books.shop
    shop.faults({"on": "notification", "effect": "drop"})
    unheard = shop.native("20.00").json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": unheard}).status_code == 200
    assert shop.sandbox.drain()
    shop.faults()
    refunded = shop.paid_order("50.00")
    shop.faults({"on": "notification", "effect": "drop"})
    assert shop.control("console_refund", {"outTradeNo": refunded, "amount": 700}).status_code == 200
    books.wait_until(11)
    shop.faults()
    shown = books.compare(day)
    assert found(shown) == {("state", unheard, True), ("refund_unknown_here", refunded, True)}
    assert (shown["status"], shown["differences"], shown["repaired"]) == ("balanced", 0, 2)
    assert shop.details(unheard)["status"] == "succeeded"
    assert shop.details(refunded)["refundedAmount"] == "7.00"
    told = [event["detail-type"] for event in shop.events(refunded)]
    assert told.count("RefundSucceeded") == 1
    again = books.compare(day)
    assert (again["status"], again["listed"]) == ("balanced", [])


def test_each_planted_difference_is_found_exactly(books: Books, day: str) -> None:
    shop = books.shop
    numbers = [shop.paid_order(f"{amount}.00") for amount in (10, 20, 30, 40, 50, 60)]
    dropped, altered, coupon, fee, unbooked, _agrees = numbers
    refund = shop.refund(numbers[5], "6.00").json()["data"]["outRefundNo"]
    shop.sandbox.wait_until(lambda: shop.details(numbers[5])["status"] == "partially_refunded")
    books.wait_until(11)
    ids = {number: shop.details(number)["metadata"]["transactionId"] for number in numbers}
    books.plant(
        day,
        "trade",
        {"drop": {"商户订单号": dropped}},
        {"alter": {"商户订单号": altered}, "to": {"订单金额": "20.01"}},
        {"alter": {"商户订单号": coupon}, "to": {"代金券金额": "1.00"}},
        {"alter": {"商户订单号": fee}, "to": {"手续费": "0.99000"}},
        {"alter": {"商户退款单号": refund}, "to": {"退款状态": "FAIL"}},
    )
    books.plant(
        day,
        "fundflow",
        {"drop": {"微信支付业务单号": ids[dropped]}},
        {"drop": {"微信支付业务单号": ids[unbooked]}},
    )
    shown = books.compare(day)
    assert found(shown) == {
        ("unknown_there", dropped, False),
        ("amount", altered, False),
        ("coupon", coupon, False),
        ("fee", fee, False),
        ("sum", unbooked, False),
        ("state", numbers[5], False),
    }
    assert (shown["status"], shown["differences"]) == ("differs", 6)
    assert shop.details(altered)["amount"] == "20.00"  # nothing changes on the bill's word
    differs = [event for event in shop.sandbox.events() if event["detail-type"] == "BillDiffers"]
    assert differs[-1]["detail"]["differences"] == 6


def test_a_bill_of_the_old_layout_balances_too(books: Books, day: str) -> None:
    shop = books.shop
    number = shop.native("40.00").json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number, "coupons": COUPONS}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    assert shop.refund(number, "9.99").status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "partially_refunded")
    books.wait_until(11)
    form = {"oldLayout": True, "byteOrderMark": False, "crlf": False}
    assert shop.control("bills", form).status_code == 200
    shown = books.compare(day)
    assert shop.control("bills", dict.fromkeys(("byteOrderMark", "crlf"), True) | {"oldLayout": False}).ok
    assert (shown["status"], shown["orders"], shown["refunds"]) == ("balanced", 1, 1)


def test_a_day_on_which_nothing_happened_is_empty(books: Books, day: str) -> None:
    books.wait_until(11)
    shown = books.compare(day)
    assert (shown["status"], shown["listed"], shown["links"]) == ("empty", [], {})


COUPONS = [
    {"amount": 500, "type": "CASH", "paidBy": "wechatpay", "couponId": "1"},
    {"amount": 233, "type": "NOCASH", "scope": "SINGLE", "paidBy": "merchant", "couponId": "2"},
]
FAULTS: tuple[dict[str, Any], ...] = (
    *({"on": call, "effect": "reset_after"} for call in ("native", "jsapi", "refund", "close")),
    *({"on": call, "effect": "html", "status": 502} for call in ("native", "query", "refund", "refundQuery")),
    {"on": "query", "effect": "bad_signature"},
    {"on": "notification", "effect": "drop"},
    {"on": "notification", "effect": "duplicate", "copies": 2},
)


def one_of_many(shop: Shop, chance: random.Random) -> None:
    """An order that is opened, paid, closed, refunded, each perhaps; nothing is repeated that went wrong."""
    fen = chance.randrange(1500, 50_000)
    opened = chance.choice((shop.native, shop.jsapi))(f"{fen / 100:.2f}")
    if opened.status_code != 200:
        return
    number = opened.json()["data"]["outTradeNo"]
    if chance.random() < 0.15:
        shop.close(number)
    if chance.random() < 0.85:
        coupons = {"coupons": COUPONS} if chance.random() < 0.3 else {}
        shop.control("pay", {"outTradeNo": number, **coupons})
    shop.call("GET", f"/query/{number}")
    for part in range(chance.randrange(3)):
        shop.refund(number, f"{chance.randrange(1, fen // 3) / 100:.2f}", key=f"{number}-{part}")
    if chance.random() < 0.15:
        shop.control("console_refund", {"outTradeNo": number, "amount": chance.randrange(1, 400)})


@pytest.mark.parametrize("seed", range(max(1, ROUNDS // 10)))
def test_a_random_day_with_faults_balances_to_the_fen(books: Books, day: str, seed: int) -> None:
    shop, chance = books.shop, random.Random(seed)
    before = {book["out_trade_no"] for book in shop.books()}
    shop.faults(*({**fault, "probability": 0.2} for fault in FAULTS))
    for _ in range(25):
        one_of_many(shop, chance)
    assert shop.sandbox.drain()
    shop.faults()
    (sweep,) = (timer for name, timer in shop.sandbox.schedules.items() if name.startswith("SweepFunction"))
    for _ in range(12):
        shop.sandbox.clock.advance(900)
        sweep.run_now()
        assert shop.sandbox.drain(60)
    books.wait_until(11)
    shown = books.compare(day)
    assert (shown["status"], shown["differences"]) == ("balanced", 0), shown["listed"]
    theirs = [
        book for book in shop.books() if book["out_trade_no"] not in before and "transaction_id" in book
    ]
    refunds = [refund["amount"]["refund"] for book in theirs for refund in book["refunds"]]
    sums = {
        "orders": len(theirs),
        "amount": f"{sum(book['amount']['total'] for book in theirs) / 100:.2f}",
        "refunds": len(refunds),
        "refundAmount": f"{sum(refunds) / 100:.2f}",
    }
    assert shown["ours"] == sums == {name: shown[name] for name in sums}
    assert len(theirs) > 10
    assert refunds
    again = books.compare(day)
    assert (again["status"], again["repaired"], again["ours"]) == ("balanced", 0, sums)


def test_a_day_is_refused_while_it_lasts(books: Books) -> None:
    refused = books.shop.call("POST", f"/bills/{books.today}", scope=SCOPE)
    assert (refused.status_code, refused.json()["details"]["field"]) == (400, "date")
