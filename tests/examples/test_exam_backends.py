"""The backends of examples/exam.md, examined by the line that stands there: each row ends as the document's table says, and
a right one that lacks one of the lines that make it right fails the row that the document names."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.examples.walk import EXAMPLES, free_port, http, started, until
from tests.kit.keys import merchant, merchant_file
from tests.kit.npm import installed
from tests.kit.parameters import ROOT

TEXT = (EXAMPLES / "exam.md").read_text()
(LINE,) = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RUN = {
    command.rpartition("/")[2]: command
    for command in re.findall(r"['`]((?:\.venv/bin/python|node) examples/exam-[^'`]+)['`]", TEXT)
}
"""Of each backend what the document says that starts it."""
RIGHT, NAIVE = ("right.py", "right.js"), ("naive.py", "naive.js")
AT_ONCE = 3
MOST_LINES = {"right": 200, "naive": 100}

CLOSED_UNASKED = (
    "    ask(number)\n\n\ndef send",
    '    with books() as db:\n        db.execute(ORDER_MOVES, ("closed", number, "unpaid"))\n\n\ndef send',
)
WITHOUT: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("forged altered probe", "right.js", [("return verify(", "return true || verify(")]),
    ("stale replayed", "right.js", [("< 300", "< 30 * 86400")]),
    ("stale replayed", "right.py", [(">= 300", ">= 30 * 86400")]),
    ("unknown_serial", "right.js", [(" || headers['wechatpay-serial'] !== mine.wechatPublicKeyId", "")]),
    (
        "other_kinds",
        "right.py",
        [('original_type) == ("TRANSACTION.SUCCESS", "transaction")', '1) == ("TRANSACTION.SUCCESS", 1)')],
    ),
    ("paid", "right.py", [("credited = credited + fen", "credited = credited")]),
    (
        "slow",
        "right.py",
        [("    with books() as db:  # both", "    time.sleep(6)\n    with books() as db:  # both")],
    ),
    ("unknown_order", "right.py", [("        return False\n", "        return order is None\n")]),
    ("wrong_amount", "right.py", [('what = (amount["total"],', 'what = (order and order["fen"],')]),
    ("wrong_currency", "right.py", [('amount["currency"], paid', '"CNY", paid')]),
    ("wrong_merchant", "right.py", [('paid["appid"])', 'MINE["appid"])')]),
    ("duplicate", "right.py", [(" and transaction_id is null", "")]),
    ("duplicate", "right.js", [("if (!order.transactionId) {", "{")]),
    ("lost_notification", "right.py", [("            credit(db, told)\n", "            pass\n")]),
    ("closed_and_paid", "right.py", [CLOSED_UNASKED]),
    (
        "late_payment",
        "right.py",
        [CLOSED_UNASKED, ("transaction_id is null", "transaction_id is null and status = 'unpaid'")],
    ),
    (
        "refund_retried",
        "right.py",
        [('"out_refund_no": refund["out_refund_no"]', '"out_refund_no": secrets.token_hex(9)')],
    ),
]
"""Rows, a right backend, and what is taken out of it; then it fails these rows."""


@dataclass(frozen=True)
class Examined:
    """What the command said of a backend: its exit status, each row's mark, and all that it printed."""

    status: int
    marks: dict[str, str]
    printed: str


def table() -> dict[str, dict[str, str]]:
    """The document's: of each backend the mark of each row."""
    heading, *rows = re.findall(
        r"^\| (?:row|`\w+`) \|.*[✓✗.].*\|$", TEXT.partition("## What it finds")[2], re.MULTILINE
    )
    names = [cell.strip() for cell in heading.strip("|").split("|")][1:]
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for row in rows:
        first, *marks = [cell.strip() for cell in row.strip("|").split("|")]
        if len(marks) == len(names):
            for name, mark in zip(names, marks, strict=True):
                found[name][first.strip("`")] = mark
    return found


TABLE = table()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A backend where it can run, in a folder of its own; with `changes`, each of which it must have once, made in it."""
    packages = installed(EXAMPLES / "exam-express/package.json", "exam-express")

    def copy(name: str, *changes: tuple[str, str]) -> Path:
        folder = tmp_path_factory.mktemp("backend")
        example = EXAMPLES / ("exam-flask" if name.endswith(".py") else "exam-express")
        text = (example / name).read_text()
        for old, new in changes:
            assert text.count(old) == 1, (name, old)
            text = text.replace(old, new)
        (folder / name).write_text(text)
        (folder / "package.json").write_text((EXAMPLES / "exam-express/package.json").read_text())
        (folder / "node_modules").symlink_to(packages)
        return folder / name

    return copy


def command(backend: Path) -> str:
    """As the document has it, of this copy, by the interpreter of this test."""
    program, _ = RUN[backend.name].split()
    return f"{program.replace('.venv/bin/python', sys.executable)} {backend}"


def examine(backend: Path, *more: str) -> Examined:
    """By the document's line, at a port of its own, with `more` at its end."""
    report = backend.parent / "report.xml"
    told = LINE.replace("http://127.0.0.1:5000", f"http://127.0.0.1:{free_port()}").rstrip()
    told = told.replace(RUN["right.py"], command(backend))
    told = told.replace("\n.venv/bin/python ", f"\n{sys.executable} ")
    assert (str(backend) in told, "5000" in told, f"\n{sys.executable}" in told) == (True, False, True)
    words = [told, "--credentials", str(merchant_file()), "--junit", str(report), *more]
    done = subprocess.run(
        ["bash", "-c", " ".join(words)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(backend.parent), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert report.exists(), done.stdout + done.stderr
    marks = {
        str(case.get("name")): "".join({"failure": "✗", "skipped": "–"}.get(child.tag, "!") for child in case)
        or "✓"
        for case in ET.parse(report).iter("testcase")
    }
    return Examined(done.returncode, marks, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def examined(copied: Callable[..., Path]) -> dict[str, Examined]:
    """All four."""
    merchant()
    backends = [copied(name) for name in TABLE]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(TABLE, pool.map(examine, backends), strict=True))


@pytest.fixture(scope="module")
def without(copied: Callable[..., Path]) -> list[Examined]:
    """Each of WITHOUT."""
    merchant()
    backends = [copied(name, *changes) for _, name, changes in WITHOUT]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(
            pool.map(lambda backend, planted: examine(backend, "--only", planted[0]), backends, WITHOUT)
        )


@pytest.mark.share(1)
@pytest.mark.parametrize("name", [*RIGHT, *NAIVE])
def test_each_row_ends_as_the_document_says(name: str, examined: dict[str, Examined]) -> None:
    assert examined[name].marks == TABLE[name], examined[name].printed
    assert examined[name].status == (0 if name in RIGHT else 1)


def test_the_right_ones_pass_every_row_and_the_naive_ones_do_not() -> None:
    assert set(TABLE) == set(RUN) == {*RIGHT, *NAIVE}
    for name in RIGHT:
        assert set(TABLE[name].values()) == {"✓"}
    for name in NAIVE:
        assert set(TABLE[name].values()) == {"✓", "✗"}


@pytest.mark.share(1)
@pytest.mark.parametrize("place", range(len(WITHOUT)), ids=[f"{rows}, {name}" for rows, name, _ in WITHOUT])
def test_without_what_the_document_names_a_right_one_fails_its_rows(
    place: int, without: list[Examined]
) -> None:
    marks = dict.fromkeys(WITHOUT[place][0].split(), "✗")
    assert (without[place].status, without[place].marks) == (1, marks), without[place].printed


def test_the_document_says_of_each_row_what_it_takes_and_each_is_tried() -> None:
    named = set(
        re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| [A-Z0-9].*\| ([^|]+) \|$", TEXT, re.MULTILINE)))
    )
    assert named == set(TABLE["right.py"])
    assert {row for rows, _, _ in WITHOUT for row in rows.split()} == named


@contextmanager
def beside_wechat_pay(backend: Path) -> Iterator[tuple[str, str]]:
    """A backend that sweeps all the time, and WeChat Pay without notifications: the addresses of both."""
    options = ["--port", "0", "--credentials", str(merchant_file())]
    words = [sys.executable, "-m", "wechatpay_simulator", *options]
    ready = backend.parent / "ready"
    with (
        ready.open("w") as output,
        subprocess.Popen(words, cwd=ROOT, stdout=output) as simulator,
    ):
        try:
            wechat_pay = until(lambda: ready.read_text().partition("\n")[0], "WeChat Pay is up")
            go_wrong(wechat_pay)
            shop = f"http://127.0.0.1:{free_port()}"
            environment = {
                "WECHATPAY_URL": wechat_pay,
                "WECHATPAY_CREDENTIALS": str(merchant_file()),
                "NOTIFY_URL": f"{shop}/notify",
                "SWEEP_SECONDS": "0.1",
                "DATABASE": str(backend.parent / "orders.db"),
                "NO_PROXY": "127.0.0.1",
            }
            with started(
                command(backend).split(),
                backend.parent,
                lambda: http.get(shop, timeout=5).status_code,
                **environment,
            ):
                yield shop, wechat_pay
        finally:
            simulator.terminate()


def go_wrong(wechat_pay: str, *rules: dict[str, str]) -> None:
    """No notification arrives; and these rules."""
    assert http.delete(f"{wechat_pay}/_sandbox/faults", timeout=30).ok
    post(f"{wechat_pay}/_sandbox/faults", rules=[{"on": "notification", "effect": "drop"}, *rules])


def post(address: str, **members: Any) -> str:
    """What it is answered with, which is a success."""
    answer = http.post(address, json=members, timeout=30)
    assert answer.ok, answer.text
    return answer.text


def in_the_ledger(wechat_pay: str) -> Any:
    """WeChat Pay's own entry of the one order."""
    (order,) = http.get(f"{wechat_pay}/_sandbox/orders", timeout=30).json()["orders"]
    return order


@pytest.mark.parametrize("name", RIGHT)
def test_a_payment_and_a_refund_that_nobody_asks_about_are_found(
    name: str, copied: Callable[..., Path]
) -> None:
    backend = copied(name)

    def log() -> str:
        return "".join(file.read_text() for file in backend.parent.glob("*.log"))

    with beside_wechat_pay(backend) as (shop, wechat_pay):
        number = post(f"{shop}/orders", amount=100).split()[-1]
        post(f"{wechat_pay}/_sandbox/pay", outTradeNo=number)
        until(lambda: f"{number} is paid" in log(), "the payment is found")
        go_wrong(wechat_pay, {"on": "refund", "effect": "reset_after"})
        first = http.post(f"{shop}/orders/{number}/refunds", json={"amount": 100, "key": "a"}, timeout=30)
        assert first.status_code == 503
        go_wrong(wechat_pay)
        until(
            lambda: "refunded 100" in http.get(f"{shop}/orders/{number}", timeout=30).text,
            "the refund is found",
        )
        assert [refund["amount"]["refund"] for refund in in_the_ledger(wechat_pay)["refunds"]] == [100]


@pytest.mark.parametrize("name", RIGHT)
def test_an_order_that_is_open_for_too_long_is_closed_at_wechat_pay(
    name: str, copied: Callable[..., Path]
) -> None:
    with beside_wechat_pay(copied(name, ("OPEN_SECONDS = 1800", "OPEN_SECONDS = 0"))) as (shop, wechat_pay):
        number = post(f"{shop}/orders", amount=100).split()[-1]
        until(lambda: in_the_ledger(wechat_pay)["trade_state"] == "CLOSED", "it is closed there")
        until(lambda: http.get(f"{shop}/orders/{number}", timeout=30).text == "closed 0\n", "and here")


@pytest.mark.parametrize("name", RIGHT)
def test_money_back_is_never_more_than_came(name: str, copied: Callable[..., Path]) -> None:
    with beside_wechat_pay(copied(name)) as (shop, wechat_pay):
        number = post(f"{shop}/orders", amount=100).split()[-1]
        post(f"{wechat_pay}/_sandbox/pay", outTradeNo=number)
        assert http.get(f"{shop}/orders/{number}", timeout=30).text == "paid 100\n"

        def wish(key: str, amount: int) -> int:
            return http.post(
                f"{shop}/orders/{number}/refunds", json={"amount": amount, "key": key}, timeout=30
            ).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: wish("a", 60), range(8))) == {200}
            assert set(pool.map(lambda each: wish(f"b{each}", 60), range(8))) == {409}
        assert wish("a", 40) == 409  # one key, one wish
        assert [refund["amount"]["refund"] for refund in in_the_ledger(wechat_pay)["refunds"]] == [60]


@pytest.mark.parametrize("name", [*RIGHT, *NAIVE])
def test_a_backend_is_short_and_says_what_it_is(name: str) -> None:
    (file,) = EXAMPLES.glob(f"exam-*/{name}")
    lines = [line for line in file.read_text().splitlines() if line.strip()]
    assert len(lines) < MOST_LINES[file.stem]
    assert ("WRONG ON PURPOSE, do not copy" in lines[0]) == (file.stem == "naive")
