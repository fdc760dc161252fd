"""By its schedule alone: bills are fetched in the morning, again each half hour, and told of in the evening."""

from collections.abc import Iterator
from typing import Any

import pytest

from payments.core.books.bill_day import days_before
from tests.kit.books import SCOPE, Books
from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """At nine in the morning of a day after one with a payment."""
    with Running() as running:
        running.warm()
        books = Books(Shop(running))
        books.wait_until(12)
        books.shop.paid_order("12.34")
        books.wait_until(20.9, days=0)  # what the schedule has still to do on that day is done on it
        books.wait_until(9)
        yield books


def status(books: Books, day: str) -> str | None:
    answer = books.shop.call("GET", f"/bills?from={day}&to={day}", scope=SCOPE)
    days: list[dict[str, Any]] = answer.json()["data"]["days"]
    return days[0]["status"] if days else None


def missing(books: Books) -> list[dict[str, Any]]:
    events = books.shop.sandbox.events()
    return [event["detail"] for event in events if event["detail-type"] == "BillMissing"]


def yesterday(books: Books) -> str:
    return days_before(books.today, 1)


def test_a_day_is_compared_in_the_morning_of_the_next(books: Books) -> None:
    day = yesterday(books)
    assert status(books, day) is None
    books.wait_until(10.05, days=0)
    assert status(books, day) is None
    books.wait_until(10.2, days=0)
    books.shop.sandbox.wait_until(lambda: status(books, day) == "balanced")
    assert books.day(day)["orders"] == 1
    books.wait_until(20.9, days=0)
    assert missing(books) == []


def test_a_bill_that_comes_late_is_asked_for_each_half_hour_and_told_of_in_the_evening(books: Books) -> None:
    books.shop.paid_order("1.00")
    creating = {"on": "fundFlowBill", "effect": "status", "status": 400, "code": "STATEMENT_CREATING"}
    books.wait_until(9)
    day = yesterday(books)
    books.shop.faults(creating)
    for hour in (10.2, 10.7, 20.2):
        books.wait_until(hour, days=0)
        books.shop.sandbox.wait_until(lambda: status(books, day) == "pending")
    assert "still making the fund-flow bill" in books.day(day)["reason"]
    assert missing(books) == []
    books.wait_until(20.7, days=0)
    books.shop.sandbox.wait_until(lambda: missing(books) != [])
    (told,) = missing(books)
    assert (told["billDate"], told["status"]) == (day, "pending")
    books.shop.faults()
    books.wait_until(10.2)
    books.shop.sandbox.wait_until(lambda: status(books, day) == "balanced")
    assert len(missing(books)) == 1
