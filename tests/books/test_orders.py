"""GET …/orders: whose, which, in which order, and every one once, whatever comes in between the pages."""

import random
from collections.abc import Iterable
from typing import Any

import pytest

from payments.core.books.period import day_number
from payments.core.lifecycle import Status
from payments.core.times import beijing_midnight, day_text
from payments.use_cases.books import listing
from payments.wiring import Wiring
from tests.books.reader import PAY, Reader
from tests.books.reader import order_number as number
from tests.kit.dynamodb import MemoryDynamoDB

DAY = "2026-11-28"
MIDNIGHT = beijing_midnight(day_number(DAY))  # in Beijing
HOUR = 3600


@pytest.fixture
def reader(wiring: Wiring) -> Reader:
    return Reader(wiring)


def numbers(orders: list[dict[str, Any]]) -> list[str]:
    return [order["outTradeNo"] for order in orders]


def test_an_order_is_shown_in_the_words_of_the_api(reader: Reader) -> None:
    made = reader.open(
        number(1),
        created_at=MIDNIGHT + 9 * HOUR,
        user_id="alice",
        content_id="book",
        amount=1234,
        status=Status.PENDING,
    )
    assert reader.ask(day=DAY) == (
        200,
        {
            "orders": [
                {
                    "outTradeNo": number(1),
                    "paymentId": made.payment_id,
                    "userId": "alice",
                    "contentId": "book",
                    "method": "native",
                    "subject": "A thing",
                    "amount": "12.34",
                    "currency": "CNY",
                    "status": "pending",
                    "refundedAmount": "0.00",
                    "createdAt": "2026-11-28T01:00:00Z",
                }
            ]
        },
    )
    reader.pay(number(1), "2026-11-28T09:00:30+08:00")
    reader.move(number(1), status=Status.PARTIALLY_REFUNDED, refundable=234, refunding=500, refunded=500)
    (order,) = reader.ask(day=DAY)[1]["orders"]
    assert {name: order[name] for name in ("status", "refundingAmount", "refundedAmount", "successTime")} == {
        "status": "partially_refunded",
        "refundingAmount": "5.00",
        "refundedAmount": "5.00",
        "successTime": "2026-11-28T09:00:30+08:00",
    }


def test_a_day_is_beijings_and_its_orders_are_the_newest_first(reader: Reader) -> None:
    moments = {1: -1, 2: 0, 3: 1, 4: 12 * HOUR, 5: 24 * HOUR - 1, 6: 24 * HOUR}
    for n, moment in moments.items():
        reader.open(number(n), created_at=MIDNIGHT + moment)
    assert numbers(reader.all_pages(day=DAY)) == [number(n) for n in (5, 4, 3, 2)]
    assert numbers(reader.all_pages(from_="2026-11-27", to=DAY)) == [number(n) for n in (5, 4, 3, 2, 1)]
    for whose in ({"userId": "user-1"}, {"contentId": "content-1"}):
        assert numbers(reader.all_pages(from_="2026-11-27", to=DAY, **whose)) == [
            number(n) for n in (5, 4, 3, 2, 1)
        ]
        assert numbers(reader.all_pages(day=DAY, **whose)) == [number(n) for n in (5, 4, 3, 2)]
        assert len(reader.all_pages(**whose)) == 6


def test_a_buyer_sees_their_own_whether_they_say_so_or_not(reader: Reader) -> None:
    for n, whose in enumerate(["alice", "bob", "alice"]):
        reader.open(number(n), created_at=MIDNIGHT + n, user_id=whose, content_id=f"of {whose}")
    alice: dict[str, Any] = {"sub": "alice", "scope": PAY}
    for asked in ({}, {"userId": "alice"}, {"day": DAY}, {"contentId": "of alice"}):
        assert numbers(reader.all_pages(**alice, **asked)) == [number(2), number(0)], asked
    assert reader.all_pages(**alice, contentId="of bob") == []
    status, refusal = reader.ask(**alice, userId="bob")
    assert (status, refusal["code"], refusal["details"]["field"]) == (403, "NOAUTH", "userId")
    assert numbers(reader.all_pages(sub="alice", scope=f"{PAY} payments:read", userId="bob")) == [number(1)]


@pytest.mark.parametrize("scope", ["payments:charge", "payments:refund", "", "payments:reads"])
def test_nobody_else_sees_any(reader: Reader, scope: str) -> None:
    reader.open(number(1), created_at=MIDNIGHT)
    status, refusal = reader.ask(scope=scope, day=DAY)
    assert (status, refusal["code"]) == (403, "NOAUTH")


@pytest.mark.parametrize(
    ("query", "field", "issue"),
    [
        ({}, "day", "is required, or from and to, userId or contentId"),
        ({"status": "failed"}, "day", "is required, or from and to, userId or contentId"),
        ({"day": "2026-11-31"}, "day", "must be a day like 2026-11-28 (Beijing's)"),
        ({"day": "28.11.2026"}, "day", "must be a day like 2026-11-28 (Beijing's)"),
        ({"day": "２０２６-11-28"}, "day", "must be a day like 2026-11-28 (Beijing's)"),
        ({"day": ""}, "day", "must be a day like 2026-11-28 (Beijing's)"),
        ({"day": "1926-11-28"}, "day", "must be a day like 2026-11-28 (Beijing's)"),
        ({"day": DAY, "to": DAY}, "to", "must not stand beside day"),
        ({"from_": DAY}, "to", "is required beside from"),
        ({"to": DAY}, "from", "is required beside to"),
        ({"from_": DAY, "to": "2026-11-27"}, "to", "must not be before from"),
        (
            {"from_": "2026-01-01", "to": DAY},
            "from",
            "must not be over 92 days up to `to`, without userId and contentId",
        ),
        (
            {"day": DAY, "status": "paid"},
            "status",
            "must be one of pending, failed, closed, succeeded, partially_refunded, refunded",
        ),
        ({"day": DAY, "method": "alipay"}, "method", "must be one of native, jsapi, app, h5"),
        ({"userId": ""}, "userId", "must have 1 to 255 characters"),
        ({"contentId": "x" * 256}, "contentId", "must have 1 to 255 characters"),
        ({"contentId": "a\x00"}, "contentId", "must not have control characters"),
        ({"day": DAY, "limit": 0}, "limit", "must be a whole number from 1 to 100"),
        ({"day": DAY, "limit": 101}, "limit", "must be a whole number from 1 to 100"),
        ({"day": DAY, "limit": "1.5"}, "limit", "must be a whole number from 1 to 100"),
        ({"day": DAY, "limit": "٣"}, "limit", "must be a whole number from 1 to 100"),
        ({"day": DAY, "user": "alice"}, "user", "is not a parameter here"),
        ({"userId": ["alice", "bob"]}, "userId", "must not stand more than once"),
        ({"day": [DAY, DAY]}, "day", "must not stand more than once"),
        ({"day": DAY, "contentId": ["", "a"]}, "contentId", "must not stand more than once"),
        ({"day": DAY, "cursor": "WX"}, "cursor", "must be one that this list has given, for the same query"),
        ({"day": DAY, "cursor": "é"}, "cursor", "must be one that this list has given, for the same query"),
        ({"day": DAY, "cursor": ""}, "cursor", "must be one that this list has given, for the same query"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name_and_rule(
    reader: Reader, query: dict[str, Any], field: str, issue: str
) -> None:
    status, refusal = reader.ask(**query)
    assert (status, refusal["details"]) == (400, {"field": field, "issue": issue})


def test_a_cursor_is_of_one_query_alone(reader: Reader) -> None:
    for n in range(8):
        reader.open(number(n), created_at=MIDNIGHT + n, user_id="alice")
    _, page = reader.ask(day=DAY, limit=3)
    cursor = page["cursor"]
    assert numbers(reader.ask(day=DAY, limit=2, cursor=cursor)[1]["orders"]) == [number(4), number(3)]
    others: list[dict[str, Any]] = [
        {"day": "2026-11-27"},
        {"from_": "2026-11-27", "to": DAY},
        {"day": DAY, "status": "pending"},
        {"day": DAY, "method": "native"},
        {"day": DAY, "userId": "alice"},
        {"day": DAY, "contentId": "content-1"},
        {"day": DAY, "scope": PAY, "sub": "alice"},
    ]
    for other in others:
        status, refusal = reader.ask(**other, cursor=cursor)
        assert (status, refusal["details"]["field"]) == (400, "cursor"), other
    for n in range(len(cursor)):  # whatever is changed or cut off it
        changed = cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :]
        for made_up in (changed, cursor[:n]):
            status, told = reader.ask(day=DAY, cursor=made_up)
            assert status == 400 or set(numbers(told["orders"])) <= set(map(number, range(8)))


def test_what_is_passed_over_ends_a_page_early_and_never_the_list(
    reader: Reader, db: MemoryDynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With bounds that a test can reach; the list goes on behind whatever a page has looked at."""
    monkeypatch.setattr(listing, "MAX_EXAMINED", 20)
    monkeypatch.setattr(listing, "MAX_READS", 30)
    for n in range(100):
        reader.open(number(n), created_at=MIDNIGHT + n, method="h5" if n in (3, 97) else "native")
    cursor, pages, empty = None, 0, 0
    seen: list[str] = []
    while pages == 0 or cursor is not None:
        before = db.operations
        status, page = reader.ask(from_="2026-11-01", to="2026-12-31", method="h5", cursor=cursor)
        assert status == 200
        assert db.operations - before <= 30 + 8
        pages, empty = pages + 1, empty + (not page["orders"])
        seen += numbers(page["orders"])
        cursor = page.get("cursor")
    assert seen == [number(97), number(3)]
    assert pages < 30
    assert empty >= 5


def test_a_page_of_everything_costs_a_read_of_each_shard(reader: Reader, db: MemoryDynamoDB) -> None:
    for n in range(400):
        reader.open(number(n), created_at=MIDNIGHT + n, user_id="alice", content_id="book")
    for query, most in ({"day": DAY}, 16), ({"userId": "alice"}, 1), ({"contentId": "book"}, 1):
        before = db.operations
        assert len(reader.ask(**query)[1]["orders"]) == 50
        assert db.operations - before <= most, query


QUERIES: list[dict[str, Any]] = [
    {"day": DAY},
    {"from_": "2026-11-26", "to": "2026-11-30"},
    {"userId": "user-3"},
    {"contentId": "content-2"},
    {"userId": "user-3", "day": DAY},
    {"day": DAY, "status": "succeeded"},
    {"scope": PAY, "sub": "user-3"},
]


@pytest.mark.parametrize("limit", [7, 100])
@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_order_is_listed_once_while_a_thousand_come_in_between_the_pages(
    query: dict[str, Any], limit: int
) -> None:
    chance = random.Random(f"{query} {limit}")
    with MemoryDynamoDB.from_template() as db:
        reader = Reader(Wiring({**db.environment, "DUE_SHARDS": "4"}))

        def come_in(these: Iterable[int]) -> None:
            for n in these:
                reader.open(
                    number(n),
                    created_at=MIDNIGHT
                    + chance.randrange(-36, 48) * HOUR
                    + chance.randrange(3),  # many of one second
                    user_id=f"user-{chance.randrange(5)}",
                    content_id=f"content-{chance.randrange(4)}",
                    status=chance.choice([Status.PENDING, Status.CLOSED, Status.PAID]),
                )

        come_in(range(300))
        there = expected(reader, query)
        waves = [range(n, n + 100) for n in range(1000, 2000, 100)]
        shown: list[str] = []
        cursor, first = None, True
        while first or cursor is not None:
            first = False
            _, page = reader.ask(**query, limit=limit, cursor=cursor)
            shown += numbers(page["orders"])
            cursor = page.get("cursor")
            if waves:
                come_in(waves.pop())
        assert len(set(shown)) == len(shown)
        assert set(there) <= set(shown)
        while waves:
            come_in(waves.pop())
        assert numbers(reader.all_pages(**query)) == expected(reader, query)


def expected(reader: Reader, query: dict[str, Any]) -> list[str]:
    """The orders that a query asks for, looked up in all payments."""
    first, last = (query.get(name, query.get("day")) for name in ("from_", "to"))
    user = query.get("userId", query.get("sub"))
    found = [
        payment
        for payment in reader.payments.values()
        if (first is None or first <= day_text(payment.created_at) <= str(last))
        and user in (None, payment.user_id)
        and query.get("contentId") in (None, payment.content_id)
        and query.get("status") in (None, payment.status.word)
    ]
    found.sort(key=lambda payment: (payment.created_at, payment.out_trade_no), reverse=True)
    return [payment.out_trade_no for payment in found]
