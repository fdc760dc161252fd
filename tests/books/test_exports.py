"""Exports: asked for once, written in the background whatever goes wrong, fetched by a link, and equal to the list."""

import csv
import io
import itertools
import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from payments.core.books.csv_text import cell
from payments.core.books.export import ExportStatus
from payments.core.books.period import day_number
from payments.core.books.rows import Kind, MovementRow
from payments.core.errors import StorageUnavailableError
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Refund
from payments.core.times import beijing_midnight
from payments.storage.books.exports import ExportFiles
from payments.use_cases.books import exporting
from payments.wiring import Wiring
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws
from tests.books.reader import PAY, Reader, order_number
from tests.kit.dynamodb import MemoryDynamoDB, Operation, Run
from tests.kit.environment import local_aws
from tests.kit.functions import function

pytestmark = pytest.mark.in_turn

MIDNIGHT = beijing_midnight(day_number("2026-11-28"))
NOW = MIDNIGHT + 36 * 3600
WANTED = {"from": "2026-11-27", "to": "2026-11-29", "kind": "orders"}
SUBJECTS = [
    "A thing",
    "=1+1",
    "＝1+1",
    " @x",
    "-2",
    "+86",
    "\tx",
    "'quoted",
    'a "b", c',
    "照片，1",
    "00123",
    "1E5",
    "4200001234567890123456789012",
]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with local_aws() as local:
        local.offer("s3")
        local.client("s3").create_bucket(Bucket="books")
        yield local


def signing_client(aws: Aws) -> Any:
    """S3 as the functions have it: addresses too are signed by SigV4."""
    return boto3.client(
        "s3",
        region_name=aws.region,
        endpoint_url=aws.url,
        aws_access_key_id=ADMIN_ACCESS_KEY,
        aws_secret_access_key="sandbox",
        config=Config(signature_version="s3v4"),
    )


class Queue:
    """The queue of exports: what was sent and not made yet. While it is `down` nobody can send."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.down = False

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803  SQS's names
        if self.down:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        self.messages.append(MessageBody)


class Office(Reader):
    """A reader, the queue, and the function behind it."""

    def __init__(self, wiring: Wiring, aws: Aws) -> None:
        super().__init__(wiring)
        self.queue, self.time = Queue(), float(NOW)
        wiring.queue = self.queue
        wiring.now = lambda: self.time  # type: ignore[method-assign]  # the clock that tests hand in
        wiring.export_files = ExportFiles(bucket="books", client=signing_client(aws))
        self._function = function("export")
        vars(self._function)["wiring"] = wiring

    def work(self) -> None:
        """Every message that waits, once; one that fails is there again."""
        waiting, self.queue.messages = self.queue.messages, []
        for body in waiting:
            try:
                self._function.lambda_handler({"Records": [{"body": body}]}, None)
            except BaseException:
                self.queue.messages.append(body)
                raise

    def exported(self, **wanted: object) -> bytes:
        """The file of what is wanted, asked for, written and fetched."""
        status, begun = self.begin(WANTED | wanted)
        assert (status, begun["status"]) == (202, "running")
        self.work()
        return self.fetched(begun["exportId"])

    def fetched(self, export_id: str) -> bytes:
        status, told = self.export(export_id)
        assert (status, told["status"]) == (200, "done")
        answer = requests.get(told["url"], timeout=30)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert (
            answer.headers["content-disposition"]
            == f'attachment; filename="{told["kind"]}-{told["from"]}-{told["to"]}.csv"'
        )
        assert len(rows(answer.content)) == told["rows"]
        return answer.content


@pytest.fixture
def office(db: MemoryDynamoDB, aws: Aws) -> Office:
    environment = {
        **db.environment,
        "DUE_SHARDS": "4",
        "STACK_SCOPE": "test",
        "EXPORTS_QUEUE": "http://127.0.0.1:9/exports",
    }
    return Office(Wiring(environment), aws)


def rows(content: bytes) -> list[dict[str, str]]:
    """What a program reads: one apostrophe in front is not the value's."""
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    assert text.count("\n") == text.count("\r\n")
    read = csv.DictReader(io.StringIO(text, newline=""))
    return [{name: value.removeprefix("'") for name, value in row.items()} for row in read]


def filled(office: Office, many: int = 120) -> None:
    chance = random.Random(many)
    for n in range(many):
        office.open(
            order_number(n),
            created_at=MIDNIGHT + chance.randrange(-30, 36) * 3600 + chance.randrange(2),
            subject=chance.choice(SUBJECTS),
            content_id=chance.choice(SUBJECTS[5:]),
            amount=chance.randrange(1, 10_000),
        )
        if n % 3 == 0:
            office.pay(order_number(n), "2026-11-28T23:59:59+08:00")
        if n % 9 == 0:
            refund = Refund(
                "RF1", RefundStatus.SUCCEEDED, 1, NOW, refund_id="50", create_time="2026-11-29T00:00:00+08:00"
            )
            office.move(
                order_number(n), status=Status.PARTIALLY_REFUNDED, refunded=1, refunds={"RF1": refund}
            )


def test_an_export_is_the_list_the_other_way_round(office: Office) -> None:
    filled(office)
    listed = office.all_pages(from_=WANTED["from"], to=WANTED["to"])
    found = rows(office.exported())
    assert len(found) > 80
    for row, order in zip(found, reversed(listed), strict=True):
        same = (
            "outTradeNo",
            "paymentId",
            "userId",
            "contentId",
            "method",
            "subject",
            "status",
            "currency",
            "amount",
            "refundedAmount",
        )
        assert {name: row[name] for name in same} == {name: order[name] for name in same}
        optional = ("transactionId", "successTime", "checkoutId")
        assert {name: row[name] for name in optional} == {name: order.get(name, "") for name in optional}
        assert row["paidAmount"] == (order["amount"] if "successTime" in order else "0.00")
        assert row["createdAt"][:10] == row["day"]


def test_movements_are_the_journals_own(office: Office) -> None:
    filled(office, many=30)
    found = rows(office.exported(kind="movements"))
    paid = [row for row in found if row["kind"] == "paid"]
    refunds = [row for row in found if row["kind"] == "refund"]
    assert sorted(row["outTradeNo"] for row in paid) == sorted(map(order_number, range(0, 30, 3)))
    assert {(row["day"], row["amount"], row["refundId"], row["refundStatus"]) for row in refunds} == {
        ("2026-11-29", "0.01", "50", "SUCCESS")
    }
    amounts = {number: payment.amount for number, payment in office.payments.items()}
    assert all(row["amount"] == f"{amounts[row['outTradeNo']] / 100:.2f}" for row in paid)
    assert {row["transactionId"] for row in paid} == {"4200001234567890123456789012"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("　=1", "'　=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠x", "'＠x"),
        ("'x", "''x"),
        ("4200001234567890", "'4200001234567890"),
        ("007", "'007"),
        ("1e5", "'1e5"),
        (" 007", "' 007"),
        ("1E+5", "'1E+5"),
        ("1.10", "'1.10"),
        ("1,000", "'1,000"),
        ("3-4", "'3-4"),
        ("2026/11", "'2026/11"),
        ("12:30", "'12:30"),
        ("2026年11月", "'2026年11月"),
        ("(5)", "'(5)"),
        ("０１２", "'０１２"),
        ("MAR1", "'MAR1"),
        ("3-Apr", "'3-Apr"),
        ("\u200b=1", "'\u200b=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("﹦1", "'﹦1"),
        ("E3", "E3"),
        ("course-12", "course-12"),
        ("Margin 12", "Margin 12"),
        ("2026年课程", "2026年课程"),
        ("-", "'-"),
        ("...", "..."),
        ("123456789012345", "123456789012345"),
        ("0", "0"),
        ("A=1", "A=1"),
        ("照片 -1", "照片 -1"),
        ("", ""),
        (None, ""),
    ],
)
def test_no_cell_is_calculated_rounded_or_shortened(text: str | None, shown: str) -> None:
    assert cell(text) == shown
    assert shown.removeprefix("'") == (text or "")


def test_nothing_to_export_is_a_file_with_a_header(office: Office) -> None:
    content = office.exported(**{"from": "2020-01-01", "to": "2020-12-31"})
    assert content.decode("utf-8-sig").startswith("day,createdAt,outTradeNo,")
    assert rows(content) == []


def test_the_same_key_is_the_same_export(office: Office) -> None:
    _, first = office.begin(WANTED, key="k")
    _, again = office.begin(WANTED, key="k")
    assert (again["exportId"], again["status"]) == (first["exportId"], "running")
    office.work()
    _, done = office.begin(WANTED, key="k")
    assert (done["exportId"], done["status"], "url" in done) == (first["exportId"], "done", False)
    assert office.queue.messages == []
    status, refusal = office.begin(WANTED | {"kind": "movements"}, key="k")
    assert (status, refusal["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert office.begin(WANTED, key="k", sub="another")[1]["exportId"] != first["exportId"]
    assert office.begin(WANTED)[1]["exportId"] != office.begin(WANTED)[1]["exportId"]


def test_a_key_whose_export_is_over_begins_another(office: Office) -> None:
    _, first = office.begin(WANTED, key="k")
    office.work()
    office.time = NOW + 7 * 86400
    assert office.export(first["exportId"])[0] == 404
    _, again = office.begin(WANTED | {"kind": "movements"}, key="k")  # its item may still be there (TTL)
    assert (again["status"], again["kind"]) == ("running", "movements")
    office.work()
    assert office.export(again["exportId"])[1]["status"] == "done"


def test_what_is_told_of_a_file_is_so_of_that_file_whoever_else_writes_one(
    office: Office, db: MemoryDynamoDB
) -> None:
    filled(office, many=20)
    _, begun = office.begin(WANTED)
    calls = 0

    def around(_operation: Operation, run: Run) -> Any:
        nonlocal calls
        calls += 1
        if (
            calls == 20
        ):  # the first day is read; an order comes into it, and the message is delivered once more
            db.around = None
            office.open(order_number(99), created_at=MIDNIGHT - 1)
            office.queue.messages = [json.dumps({"exportId": begun["exportId"]})]
            office.work()
            link = office.export(begun["exportId"])[1]["url"]
            links.append((link, requests.get(link, timeout=30).content))
        return run()

    links: list[tuple[str, bytes]] = []
    db.around = around
    office.work()
    content = office.fetched(begun["exportId"])  # as many rows as are told
    ((link, before),) = links
    assert requests.get(link, timeout=30).content == before == content


def test_what_could_not_be_begun_is_begun_by_the_same_request(office: Office) -> None:
    office.queue.down = True
    status, refusal = office.begin(WANTED, key="k")
    assert (status, refusal["code"]) == (503, "SYSTEMERROR")
    office.queue.down = False
    _, begun = office.begin(WANTED, key="k")
    office.work()
    assert office.export(begun["exportId"])[1]["status"] == "done"


class DiedError(Exception):
    """The process is gone."""


def test_whoever_writes_may_die_at_any_effect_and_the_next_one_does_the_same(
    office: Office, db: MemoryDynamoDB
) -> None:
    filled(office, many=20)
    wanted = office.exported()
    deaths = 0
    for effect in range(1000):
        left = effect

        def around(_operation: Operation, run: Run) -> Any:
            nonlocal left
            if left == 0:
                left -= 1
                raise DiedError
            left -= 1
            return run()

        _, begun = office.begin(WANTED)
        db.around = around
        try:
            office.work()
        except DiedError:
            deaths += 1
            assert office.export(begun["exportId"])[1]["status"] == "running"
            office.work()
        finally:
            db.around = None
        assert office.fetched(begun["exportId"]) == wanted
        if left >= 0:
            break
    assert deaths == effect > 20  # read, each shard of each day, and what came of it


class Swallowing:
    """S3 that keeps no more of a file than its size in each part; `left` calls succeed before it is down."""

    def __init__(self, left: int = 10_000) -> None:
        self.sizes: list[int] = []
        self.left = left

    def __getattr__(self, call: str) -> Any:
        def answer(*, Body: bytes = b"", **_given: Any) -> dict[str, str]:  # noqa: N803  the service's own name
            if self.left == 0 and call != "abort_multipart_upload":
                raise EndpointConnectionError(endpoint_url="s3")
            self.left -= 1
            self.sizes += [len(Body)] if Body else []
            return {"UploadId": "1", "ETag": "1"}

        return answer


class Repeating:
    """A journal of so many movements, all alike."""

    def __init__(self, many: int) -> None:
        self.many = many

    def movements(self, _day: str, shard: int) -> Iterator[MovementRow]:
        row = MovementRow(Kind.PAID, "WX1", "4200001", 1999, "2026-11-28T12:00:00+08:00", "2026-11-28")
        return itertools.repeat(row, self.many if shard == 0 else 0)


def peak_of(office: Office, many: int) -> tuple[int, list[int]]:
    """The most memory that writing so many rows holds at once, in bytes, and the sizes of the file's parts."""
    s3 = Swallowing()
    vars(office.wiring).update(journal=Repeating(many), export_files=ExportFiles(bucket="books", client=s3))
    office.begin(WANTED | {"from": "2026-11-28", "to": "2026-11-28", "kind": "movements"})
    tracemalloc.start()
    office.work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, s3.sizes


def test_what_is_held_does_not_grow_with_the_file(office: Office) -> None:
    few, _ = peak_of(office, 150_000)
    many, parts = peak_of(office, 300_000)
    assert len(parts) >= 3
    assert min(parts[:-1]) >= 5 * 1024 * 1024  # what S3 demands of every part but the last
    assert many < few * 1.2 < 40 * 1024 * 1024


@pytest.mark.parametrize("left", range(4))
def test_a_bucket_that_is_down_is_tried_again_by_the_next_delivery(office: Office, left: int) -> None:
    s3 = Swallowing(left)
    vars(office.wiring).update(
        journal=Repeating(150_000), export_files=ExportFiles(bucket="books", client=s3)
    )
    _, begun = office.begin(WANTED | {"from": "2026-11-28", "to": "2026-11-28", "kind": "movements"})
    with pytest.raises(StorageUnavailableError):
        office.work()
    s3.left, s3.sizes = 10_000, []
    office.work()
    assert sum(s3.sizes) > 8 * 1024 * 1024
    row = office.wiring.exports.get(begun["exportId"])
    assert row is not None
    assert (row.status, row.rows) == (ExportStatus.DONE, 150_000)


def test_a_message_that_comes_twice_does_nothing_twice(office: Office) -> None:
    filled(office, many=20)
    _, begun = office.begin(WANTED)
    office.queue.messages *= 2
    office.work()
    content = office.fetched(begun["exportId"])
    office.open(order_number(99), created_at=MIDNIGHT)
    office.queue.messages = [json.dumps({"exportId": begun["exportId"]})]
    office.work()
    assert office.fetched(begun["exportId"]) == content


def test_more_rows_than_a_spreadsheet_takes_are_refused_with_what_to_do(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MAX_ROWS", 10)
    filled(office, many=60)
    _, begun = office.begin(WANTED)
    office.work()
    _, told = office.export(begun["exportId"])
    assert (told["status"], told["reason"], "url" in told) == (
        "failed",
        "over 10 rows; ask for fewer days",
        False,
    )


def test_an_export_is_there_for_seven_days_and_nobody_elses_is_invented(office: Office) -> None:
    _, begun = office.begin(WANTED)
    office.work()
    office.time = NOW + 7 * 86400 - 1
    assert office.export(begun["exportId"])[0] == 200
    office.time += 1
    for number in (begun["exportId"], "EX" + "A" * 26, "EX1", "exports", "WX" + "A" * 26, ""):
        if number:
            assert office.export(number) == (
                404,
                {"error": "There is no such export.", "code": "EXPORT_NOT_FOUND", "details": {}},
            )


@pytest.mark.parametrize("scope", [PAY, "payments:charge", "payments:refund", ""])
def test_readers_alone_export(office: Office, scope: str) -> None:
    _, begun = office.begin(WANTED)
    assert office.begin(WANTED, scope=scope)[1]["code"] == "NOAUTH"
    assert office.export(begun["exportId"], scope=scope)[1]["code"] == "NOAUTH"


@pytest.mark.parametrize(
    ("change", "field", "issue"),
    [
        ({"from": "2026-11-30"}, "to", "must not be before from"),
        ({"from": "2025-11-28"}, "from", "must not be over 366 days up to `to`"),
        ({"from": "yesterday"}, "from", "must be a day like 2026-11-28 (Beijing's)"),
        ({"to": "2026-02-30"}, "to", "must be a day like 2026-11-28 (Beijing's)"),
        ({"to": "2026-11-30"}, "to", "must not be a day to come"),
        ({"to": 20261128}, "to", "must be a string"),
        ({"kind": "refunds"}, "kind", "must be one of movements, orders"),
        ({"status": "paid"}, "status", "is not a known field"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name_and_rule(
    office: Office, change: dict[str, object], field: str, issue: str
) -> None:
    status, refusal = office.begin(WANTED | change)
    assert (status, refusal["details"]) == (400, {"field": field, "issue": issue})
    assert office.queue.messages == []
