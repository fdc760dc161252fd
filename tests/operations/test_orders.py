"""`make orders` against a running sandbox, as it would be against a stack: a table, and the file that an export of the API would be."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.commands.sam_local import keys
from sandbox.stack import STACK_NAME
from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.operations.commands import ROOT, Command

pytestmark = pytest.mark.in_turn


@pytest.fixture(scope="module")
def today(sandbox: Running) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(sandbox.clock.time() + 8 * 3600))


@pytest.fixture(scope="module")
def shop(sandbox: Running) -> Shop:
    """Three orders of a content of their own, one of them paid and one closed; the journal knows of all."""
    one = Shop(sandbox)
    for number, subject in enumerate(["A thing", "=1+1", "照片"]):
        body = {
            "contentId": "listed",
            "amount": f"{number}.50",
            "subject": subject,
            "userId": f"user-{number}",
        }
        numbers.append(one.call("POST", "/native", body).json()["data"]["outTradeNo"])
    assert one.control("pay", {"outTradeNo": numbers[0]}).status_code == 200
    assert one.close(numbers[2]).status_code == 200
    sandbox.wait_until(
        lambda: [order["status"] for order in listed(one)] == ["closed", "pending", "succeeded"]
    )
    return one


numbers: list[str] = []


def listed(shop: Shop, **asked: str) -> list[dict[str, Any]]:
    """What the API lists."""
    query = "&".join(f"{name}={value}" for name, value in {"contentId": "listed", **asked}.items())
    orders: list[dict[str, Any]] = shop.call("GET", f"/orders?{query}", scope="payments:read").json()["data"][
        "orders"
    ]
    return sorted(orders, key=lambda order: numbers.index(order["outTradeNo"]), reverse=True)


def test_the_table_has_a_line_for_each_order(shop: Shop, command: Command, today: str) -> None:
    done = command("books.orders", "--content", "listed")
    assert done.returncode == 0, done.stderr
    head, *lines, last = done.stdout.splitlines()
    assert head.split() == [
        "ordered",
        "order",
        "status",
        "yuan",
        "refunded",
        "method",
        "user",
        "content",
        "subject",
    ]
    assert {tuple(line.split()[2:5]) for line in lines} == {
        (numbers[0], "succeeded", "0.50"),
        (numbers[1], "pending", "1.50"),
        (numbers[2], "closed", "2.50"),
    }
    assert last == "orders: 3"
    closed = command("books.orders", "--day", today, "--content", "listed", "--status", "closed").stdout
    assert (numbers[2] in closed, closed.splitlines()[-1]) == (True, "orders: 1")
    one = command("books.orders", "--content", "listed", "--limit", "1").stdout
    assert one.splitlines()[-1] == "orders: 1, and there are more (LIMIT=…, or CSV=… for all)"


def test_the_file_is_the_one_that_an_export_of_the_api_would_be(
    shop: Shop, command: Command, today: str, tmp_path: Path
) -> None:
    for kind in ("orders", "movements"):
        file = tmp_path / f"{kind}.csv"
        done = command("books.orders", "--day", today, "--kind", kind, "--csv", str(file))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"orders: {file} is written"
        wanted = {"from": today, "to": today, "kind": kind}
        begun = shop.call("POST", "/exports", wanted, scope="payments:read").json()["data"]["exportId"]

        def told(begun: str = begun) -> dict[str, Any]:
            data: dict[str, Any] = shop.call("GET", f"/exports/{begun}", scope="payments:read").json()["data"]
            return data

        shop.sandbox.wait_until(lambda told=told: told()["status"] == "done")
        assert shop.http.get(told()["url"], timeout=30).content == file.read_bytes()
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []


def test_a_file_of_one_content_has_its_orders_the_oldest_first(
    shop: Shop, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    assert command("books.orders", "--content", "listed", "--csv", str(file)).returncode == 0
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))
    assert {row["outTradeNo"]: row["subject"] for row in rows} == dict(
        zip(numbers, ["A thing", "'=1+1", "照片"], strict=True)
    )
    assert [row["createdAt"] for row in rows] == sorted(row["createdAt"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "orders: DAY is required, or FROM and TO, USER_ID or CONTENT_ID.\n"),
        (("--from", "2026-11-28"), "orders: TO is required beside FROM.\n"),
        (("--day", "2026-11-28", "--to", "2026-11-29"), "orders: TO must not stand beside DAY.\n"),
        (("--from", "2026-11-28", "--to", "2026-11-01"), "orders: TO must not be before FROM.\n"),
        (
            ("--from", "2026-01-01", "--to", "2026-11-01"),
            "FROM must not be over 92 days up to TO, without USER_ID and CONTENT_ID.",
        ),
        (("--content", "a" * 256), "orders: CONTENT_ID must have 1 to 255 characters.\n"),
        (("--day", "28.11.2026"), "DAY must be a day like 2026-11-28 (Beijing's)."),
        (("--day", "2026-11-28", "--status", "paid"), "STATUS must be one of pending, failed"),
        (("--day", "2026-11-28", "--kind", "movements"), "movements of money go into a file (CSV=…)"),
        (("--user", "a", "--kind", "movements", "--csv", "x"), "and by days alone"),
        (
            ("--day", "2026-11-28", "--csv", "/nowhere/x.csv"),
            "/nowhere/x.csv cannot be written: No such file",
        ),
    ],
)
def test_what_cannot_be_listed_is_refused_with_the_apis_own_rules_and_the_variable_that_breaks_one(
    command: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    done = command("books.orders", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.parametrize("limit", ["0", "-3", "many", "1.5", "9999999"])
def test_a_number_of_lines_that_is_none_is_one_line(command: Command, today: str, limit: str) -> None:
    done = command("books.orders", "--day", today, f"--limit={limit}")
    said = f"orders: argument --limit: LIMIT must be a whole number from 1 to 1000000, not {limit}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_whoever_stops_reading_is_told_no_success(shop: Shop, sandbox: Running, today: str) -> None:
    """`make orders … | head`: no traceback, and no 0, which says that all was told."""
    keys_ = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": sandbox.aws.url, **keys(sandbox)}
    path = os.pathsep.join(str(ROOT / layer) for layer in ("layers/payments", "layers/wechatpay"))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "operations.books.orders", "--stack", STACK_NAME, "--day", today],
        env={**keys_, "PYTHONPATH": path},
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
