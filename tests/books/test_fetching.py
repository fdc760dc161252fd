"""A day's bills are fetched once they are there, kept when they are proven, and put off or given up with a reason otherwise."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.core.books.bill_day import LEASE_SECONDS, BillDay, DayStatus, KeptBill
from payments.core.books.bill_text import BillKind
from payments.core.errors import StorageUnavailableError
from payments.storage.books.bill_files import BillFiles
from payments.storage.books.uploads import PART_BYTES
from payments.use_cases.books.fetching import fetch_bills
from tests.books.bank import Bank, bank
from tests.books.bills import PAYMENT, trade_bill
from tests.books.world import BooksWiring, Bucket, DiedError, Effects
from tests.kit.dynamodb import MemoryDynamoDB, Operation
from wechatpay.client import Client

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
TRADE_KEY, FUND_KEY = ("bills/1900000109/{}/{}.csv.gz".format(kind, "{}") for kind in ("trade", "fund"))


@pytest.fixture(scope="module")
def wechat() -> Iterator[Bank]:
    """One for all tests here: each works on a day of its own."""
    with bank() as one:
        yield one


class Stack:
    """The tables and the bucket, and what fetches into them."""

    def __init__(self, db: MemoryDynamoDB, wechat: Bank) -> None:
        self.effects = Effects()
        self.bucket = Bucket(self.effects)
        self.wechat, self.db = wechat, db
        db.around = self._around

    def _around(self, operation: Operation, run: Callable[[], Any]) -> Any:
        return self.effects.happen(run) if operation.writes else run()

    def wiring(self, kind: type[Client] = Client) -> Any:
        """A process of its own."""
        made: Any = BooksWiring(self.db)
        made.time = self.wechat.clock.time()
        made.__dict__ |= {
            "wechat": self.wechat.client(kind),
            "bill_files": BillFiles(bucket="bills", mchid="1900000109", client=self.bucket),
        }
        return made

    def fetch(self, day: str, run: str = "run-1", kind: type[Client] = Client) -> BillDay | None:
        """One message."""
        return fetch_bills(day, run, self.wiring(kind))

    def day(self, bill_date: str) -> BillDay:
        """Where it stands."""
        found: BillDay = self.wiring().bills.day(bill_date)
        return found

    def kept(self) -> dict[str, bytes]:
        """The texts of the bills in the bucket."""
        objects = self.bucket.objects.items()
        return {key: gzip.decompress(body) for key, body in objects if key.endswith(".gz")}


@pytest.fixture
def stack(db: MemoryDynamoDB, wechat: Bank) -> Stack:
    wechat.faults()
    return Stack(db, wechat)


@pytest.fixture
def yesterday(wechat: Bank) -> str:
    """A day with two payments and a refund; it is 10:10 of the next."""
    wechat.go_to(12, days=1)
    for number in ("A", "B"):
        wechat.pay(f"{wechat.today}-{number}")
    wechat.control("console_refund", {"outTradeNo": f"{wechat.today}-A", "amount": 400})
    return wechat.go_to(10, 10, days=1)


def test_both_bills_are_kept_as_wechat_pay_made_them(stack: Stack, yesterday: str) -> None:
    day = stack.fetch(yesterday)
    assert day is not None
    assert (day.status, day.stage, day.run) == (DayStatus.RUNNING, "fetch", "run-1")
    assert day.trade is not None
    assert day.fund is not None
    assert (day.trade.rows, day.trade.parts) == (3, 1)
    assert day.fund.parts == 1
    kept = stack.kept()
    assert hashlib.sha1(kept[TRADE_KEY.format(yesterday)]).hexdigest() == day.trade.sha1
    assert hashlib.sha1(kept[FUND_KEY.format(yesterday)]).hexdigest() == day.fund.sha1
    rows = list(stack.wiring().bill_files.rows(yesterday, BillKind.TRADE, 0))
    assert [row.is_refund for row in rows] == [False, False, True]
    assert {row.out_trade_no for row in rows} == {f"{yesterday}-A", f"{yesterday}-B"}


@pytest.mark.parametrize("form", [{"oldLayout": True}, {"crlf": False}, {"byteOrderMark": False}])
def test_a_bill_may_be_written_in_any_of_the_known_forms(stack: Stack, yesterday: str, form: dict) -> None:
    usual = {"oldLayout": False, "crlf": True, "byteOrderMark": True}
    stack.wechat.control("bills", form)
    day = stack.fetch(yesterday)
    stack.wechat.control("bills", usual)
    assert day is not None
    assert day.trade is not None
    assert day.trade.rows == 3


def test_a_bill_that_is_still_being_made_comes_later(stack: Stack) -> None:
    stack.wechat.go_to(12, days=1)
    stack.wechat.pay(f"{stack.wechat.today}-A")
    yesterday = stack.wechat.go_to(9, 30, days=1)
    assert stack.fetch(yesterday) is None
    day = stack.day(yesterday)
    assert (day.status, day.reason) == (DayStatus.PENDING, "WeChat Pay is still making the trade bill")
    stack.wechat.go_to(10, 10)
    found = stack.fetch(yesterday, "run-2")
    assert found is not None
    assert (found.status, found.reason) == (DayStatus.RUNNING, None)


def test_a_day_without_trade_has_two_empty_bills(stack: Stack) -> None:
    stack.wechat.go_to(12, days=3)
    yesterday = stack.wechat.go_to(10, 10, days=1)
    day = stack.fetch(yesterday)
    assert day is not None
    assert (day.trade, day.fund) == (KeptBill(), KeptBill())
    assert stack.kept() == {}


def refused(on: str, status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"on": on, "effect": "status", "status": status, "code": code, "times": 1, **more}


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (refused("tradeBill", 403, "NO_AUTH"), "failed", "may not download bills by API"),
        (refused("fundFlowBill", 403, "NO_AUTH"), "failed", "refuses the fund-flow bill (NO_AUTH)"),
        (refused("tradeBill", 400, "PARAM_ERROR"), "failed", "refuses the trade bill: PARAM_ERROR"),
        (refused("tradeBill", 429, "FREQUENCY_LIMITED"), "pending", "FREQUENCY_LIMITED"),
        (refused("tradeBill", 403, "FREQUENCY_LIMITED"), "pending", "FREQUENCY_LIMITED"),
        (refused("fundFlowBill", 500, "SYSTEM_ERROR"), "pending", "SYSTEM_ERROR"),
        (
            refused("tradeBill", 400, "NO_STATEMENT_EXIST", empty=True),
            "pending",
            "did not give the trade bill",
        ),
        (
            {"on": "tradeBill", "effect": "bad_signature", "times": 1},
            "pending",
            "did not give the trade bill",
        ),
        ({"on": "tradeBill", "effect": "html", "status": 502, "times": 1}, "pending", "the trade bill"),
        ({"on": "billDownload", "effect": "truncate", "times": 1}, "pending", "did not give the trade bill"),
        ({"on": "billDownload", "effect": "reset_before", "times": 2}, "pending", "the trade bill"),
        ({"on": "billDownload", "effect": "html", "status": 200, "times": 1}, "failed", "not gzip"),
        (refused("billDownload", 404, "RESOURCE_NOT_EXISTS"), "pending", "HTTP 404"),
    ],
)
def test_what_cannot_be_had_is_said_and_had_later(
    stack: Stack, yesterday: str, fault: dict, status: str, reason: str
) -> None:
    stack.wechat.faults(fault)
    assert stack.fetch(yesterday) is None
    day = stack.day(yesterday)
    assert (day.status.value, reason in (day.reason or "")) == (status, True), day.reason
    assert day.is_due(int(stack.wechat.clock.time()))
    stack.wechat.faults()
    again = stack.fetch(yesterday, "run-2")
    assert again is not None
    assert again.attempts == 2


def test_nobody_but_wechat_pay_says_that_nothing_happened(stack: Stack, yesterday: str) -> None:
    forged = refused("tradeBill", 400, "NO_STATEMENT_EXIST", signed=False)
    stack.wechat.faults(forged)
    assert stack.fetch(yesterday) is None
    assert stack.day(yesterday).status is DayStatus.PENDING


class Altered(Client):
    """On the way somebody has changed an amount."""

    def download(self, url: str, *, path: str) -> Iterator[bytes]:
        text = gzip.decompress(b"".join(super().download(url, path=path)))
        yield gzip.compress(text.replace(b"`10.00", b"`99.00"))


class CutOff(Client):
    """The file ends early, and its length says so, too."""

    def download(self, url: str, *, path: str) -> Iterator[bytes]:
        yield b"".join(super().download(url, path=path))[:-12]


@pytest.mark.parametrize(("kind", "reason"), [(Altered, "hash is not the one"), (CutOff, "is cut off")])
def test_a_file_that_is_not_the_one_that_was_signed_is_not_kept(
    stack: Stack, yesterday: str, kind: type[Client], reason: str
) -> None:
    assert stack.fetch(yesterday, kind=kind) is None
    day = stack.day(yesterday)
    assert day.status is DayStatus.FAILED
    assert reason in (day.reason or "")
    assert stack.kept() == {}
    assert stack.fetch(yesterday, "run-2") is not None


class Unknown(Client):
    """A bill as nobody has ever seen one, and signed."""

    def download(self, url: str, *, path: str) -> Iterator[bytes]:
        yield gzip.compress(b"".join(super().download(url, path=path))[:0] or TEXT)

    def request(self, *given: Any, **named: Any) -> Any:
        answer = super().request(*given, **named)
        answer.members["hash_value"] = hashlib.sha1(TEXT).hexdigest()
        return answer


TEXT = trade_bill(PAYMENT, columns=["交易时间", "商户订单号"])


def test_a_bill_that_is_proven_and_cannot_be_read_says_what_it_lacks(stack: Stack, yesterday: str) -> None:
    assert stack.fetch(yesterday, kind=Unknown) is None
    day = stack.day(yesterday)
    assert day.status is DayStatus.FAILED
    assert day.reason == "the trade bill cannot be read: line 1, column 公众账号ID: is missing"


def test_while_one_run_has_the_day_no_other_does(stack: Stack, yesterday: str) -> None:
    first = stack.fetch(yesterday)
    assert stack.fetch(yesterday, "run-2") is None
    assert stack.day(yesterday) == first
    stack.wechat.clock.advance(LEASE_SECONDS + 1)
    taken = stack.fetch(yesterday, "run-2")
    assert taken is not None
    assert taken.run == "run-2"


def test_a_day_that_is_done_is_not_fetched_again(stack: Stack, yesterday: str) -> None:
    stack.fetch(yesterday)
    done = stack.wiring().bills.conclude(yesterday, "run-1", DayStatus.BALANCED, {}, now=1)
    for run in ("run-1", "run-2"):
        assert stack.fetch(yesterday, run) is None
    assert stack.day(yesterday) == done


def test_a_message_that_comes_twice_is_fetched_once(stack: Stack, yesterday: str) -> None:
    first = stack.fetch(yesterday)
    before = stack.effects.count
    assert stack.fetch(yesterday) == first
    assert stack.effects.count == before


EFFECTS = 6  # claim, two bills with their indexes, keep


def outcome(stack: Stack, day: BillDay | None) -> tuple:
    assert day is not None
    return day.status, day.stage, day.trade, day.fund, stack.bucket.objects.keys(), stack.kept()


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_death_at_any_effect_changes_nothing_in_the_end(
    db: MemoryDynamoDB, wechat: Bank, yesterday: str, how: str
) -> None:
    moment = db.snapshot()
    undisturbed = Stack(db, wechat)
    expected = outcome(undisturbed, undisturbed.fetch(yesterday))
    assert undisturbed.effects.count == EFFECTS
    for place in range(1, EFFECTS + 1):
        db.restore(moment)
        stack = Stack(db, wechat)
        stack.effects.deaths = {place: how}
        with pytest.raises(DiedError):
            stack.fetch(yesterday)
        other = stack.fetch(yesterday, "another")
        if (place, how) == (1, "before"):
            assert other is not None  # nothing had begun
            continue
        assert other is None  # the message itself comes again
        assert outcome(stack, stack.fetch(yesterday)) == expected, place


def test_what_the_tables_do_not_take_is_delivered_again(stack: Stack, yesterday: str) -> None:
    def out_of_order(operation: Operation, run: Callable[[], Any]) -> Any:
        raise StorageUnavailableError("ThrottlingException")

    stack.db.around = out_of_order
    with pytest.raises(StorageUnavailableError):
        stack.fetch(yesterday)


def peak_of(rows: int) -> int:
    """Bytes that a process has had at most, which has kept a bill of so many rows."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.books.large_bill", str(rows)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/wechatpay:layers/payments:."},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, int] = json.loads(done.stdout)
    assert told["rows"] == rows
    assert told["bytes"] > PART_BYTES  # so that it went out in parts
    return told["peak"]


def test_memory_does_not_grow_with_the_bill() -> None:
    small, large = peak_of(200_000), peak_of(600_000)
    assert large < small + PART_BYTES
    assert large < 200 << 20


def test_the_kept_index_is_json_that_says_where_the_parts_lie(stack: Stack, yesterday: str) -> None:
    stack.fetch(yesterday)
    index = json.loads(stack.bucket.objects[f"bills/1900000109/fund/{yesterday}.index.json"])
    assert index["kind"] == "fund"
    assert sum(member["rows"] for member in index["members"]) > 0
