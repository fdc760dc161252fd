"""Function processes die at any moment; afterwards every order agrees with WeChat Pay's books to the fen."""

import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest
import requests

from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.thorough import ROUNDS

pytestmark = pytest.mark.in_turn

FUNCTIONS = [
    f"{name}Function"
    for name in (
        "Native",
        "Jsapi",
        "Query",
        "Payment",
        "Notify",
        "Refund",
        "Close",
        "Publish",
        "Journal",
        "Sweep",
        "Settle",
    )
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: its functions die, and time passes by hours."""
    with Running() as running:
        running.warm()
        yield running


class Killer:
    """Ends a function's process with SIGKILL, again and again, while it is told to."""

    def __init__(self, sandbox: Running, seed: int) -> None:
        self._sandbox, self._chance, self._stop = sandbox, random.Random(seed), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.killed = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._chance.random() * 0.1):
            self.killed += self._sandbox.lambdas.kill(self._chance.choice(FUNCTIONS))


def walk(shop: Shop, index: int, chance: random.Random) -> None:
    """One order through whatever answers; nothing is retried, so that only the backend itself can mend it."""
    create = shop.native if index % 2 else shop.jsapi
    answer = create("10.00", key=f"walk-{chance.random()}")
    if answer.status_code != 200:
        return
    number = answer.json()["data"]["outTradeNo"]
    if chance.random() < 0.2:
        shop.close(number)
    shop.control("pay", {"outTradeNo": number})
    shop.call("GET", f"/query/{number}")
    for part in range(chance.randrange(3)):
        shop.refund(number, f"{part + 2}.00")


def agree(shop: Shop) -> None:
    """Every payment of ours and every order of WeChat Pay's tell the same story."""
    rows = shop.sandbox.aws.client("dynamodb").scan(TableName=shop.sandbox.deployed.refs["PaymentsTable"])[
        "Items"
    ]
    books = requests.get(f"{shop.sandbox.simulator}/_sandbox/orders", timeout=30).json()["orders"]
    by_number = {book["out_trade_no"]: book for book in books}
    assert set(by_number) <= {row["out_trade_no"]["S"] for row in rows}
    for row in rows:
        ours = {name: next(iter(value.values())) for name, value in row.items()}
        book = by_number.get(ours["out_trade_no"])
        paid = book is not None and "transaction_id" in book
        assert (ours["status"] in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")) == paid, ours
        assert "due_at" not in ours, ours
        if book is None or not paid:
            assert ours["status"] in ("CLOSED", "FAILED"), ours
            continue
        assert int(ours["paid"]) == book["amount"]["total"]
        refunds = {number: record["M"] for number, record in ours["refunds"].items()}
        theirs = {refund["out_refund_no"]: refund for refund in book["refunds"]}
        succeeded = {number for number, record in refunds.items() if record["status"]["S"] == "SUCCEEDED"}
        assert succeeded == {number for number, refund in theirs.items() if refund["status"] == "SUCCESS"}
        assert int(ours["refunded"]) == sum(theirs[number]["amount"]["refund"] for number in succeeded)
        assert int(ours["refunding"]) == 0
        assert int(ours["paid"]) == int(ours["refundable"]) + int(ours["refunded"])


def test_every_order_agrees_with_wechat_pays_books_after_functions_have_died(shop: Shop) -> None:
    chance = random.Random(17)
    with Killer(shop.sandbox, seed=23) as killer, ThreadPoolExecutor(3) as pool:
        while killer.killed < ROUNDS * 2:
            list(pool.map(lambda index: walk(shop, index, chance), range(6)))
    assert killer.killed >= ROUNDS * 2, f"only {killer.killed} deaths by {signal.SIGKILL.name}"
    shop.sandbox.minutes(15)
    shop.sandbox.clock.advance(2 * 3600)
    shop.sandbox.minutes(12)
    agree(shop)
