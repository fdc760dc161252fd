"""`make bills` and `make statement` against a running sandbox, a day after somebody has paid, as they would be against a stack."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from payments.core.books.bill_day import days_before
from sandbox.commands.sam_local import keys
from sandbox.stack import STACK_NAME
from tests.books.bills import MOVEMENT, PAYMENT, fund_bill, trade_bill
from tests.kit.books import Books
from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """At 10:10 of the day after two payments and a refund."""
    with Running(schedules=False) as sandbox:
        one = Shop(sandbox)
        books = Books(one)
        books.wait_until(12)
        numbers = [one.paid_order(amount) for amount in ("100.00", "23.45")]
        one.sandbox.wait_until(lambda: one.refund(numbers[0], 40).status_code == 200)
        books.wait_until(10.2)
        yield one


@pytest.fixture(scope="module")
def day(shop: Shop) -> str:
    """The day that is over."""
    return days_before(Books(shop).today, 1)


@pytest.fixture(scope="module")
def command(shop: Shop) -> Command:
    """Runs one command about the sandbox's stack, by the sandbox's clock."""
    sandbox = shop.sandbox
    path = ("sandbox/functions/clock_shift", "layers/payments", "layers/wechatpay", "")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in path),
        "SANDBOX_CLOCK_FILE": str(sandbox.clock.file),
        "AWS_ENDPOINT_URL": sandbox.aws.url,
        "AWS_TIMEOUT_SECONDS": "30",
        **keys(sandbox),
    }

    def run(name: str, *arguments: str) -> Done:
        line = [sys.executable, "-m", f"operations.books.{name}", "--stack", STACK_NAME, *arguments]
        return subprocess.run(
            line, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.fixture(scope="module")
def balanced(command: Command, day: str) -> Done:
    """The day, compared for the first time."""
    return command("bills", "--day", day, "--run", "--wait", "100")


@pytest.fixture(scope="module")
def kept(balanced: Done, shop: Shop, day: str) -> dict[str, bytes]:
    """The bills in the bucket, as they are before anybody alters one."""
    store, bucket = shop.sandbox.aws.client("s3"), shop.sandbox.deployed.refs["BillsBucket"]
    of = f"bills/{shop.sandbox.credentials.mchid}/{{}}/{day}.csv.gz"
    kinds = ("trade", "fund")
    return {kind: store.get_object(Bucket=bucket, Key=of.format(kind))["Body"].read() for kind in kinds}


def lines(done: Done) -> list[list[str]]:
    return [line.split() for line in done.stdout.splitlines()]


def test_a_day_is_compared_and_printed(balanced: Done, day: str) -> None:
    assert balanced.returncode == 0, balanced.stdout + balanced.stderr
    told = lines(balanced)
    assert [day, "balanced"] in [line[:2] for line in told]
    assert ["payments", "2", "123.45", "2", "123.45"] in told
    assert ["refunds", "1", "40.00", "1", "40.00"] in told
    assert told[-1] == ["no", "difference"]


def test_without_a_day_the_last_ones_are_listed(balanced: Done, command: Command, day: str) -> None:
    done = command("bills")
    assert done.returncode == 0, done.stderr
    rows = lines(done)
    assert rows[1] == [day, "balanced", "2", "123.45", "1", "40.00", "0"]
    assert len(rows) == 15
    assert rows[2][1:] == ["-", "nobody", "has", "looked", "at", "it"]


def test_a_day_that_differs_says_in_what(kept: dict, shop: Shop, command: Command, day: str) -> None:
    first = shop.books()[0]["out_trade_no"]
    Books(shop).plant(
        day, "trade", {"alter": {"商户订单号": first, "交易状态": "SUCCESS"}, "to": {"订单金额": "99.00"}}
    )
    done = command("bills", "--day", day, "--run", "--wait", "100")
    assert done.returncode == 3, done.stdout + done.stderr
    (amount,) = [line for line in done.stdout.splitlines() if line.startswith("amount")]
    assert first in amount
    assert "bill: 99.00 CNY" in amount
    assert "ours: 100.00 CNY" in amount
    shop.http.delete(f"{shop.sandbox.simulator}/_sandbox/bills", timeout=30)


def test_a_bill_that_cannot_be_had_says_why(kept: dict, shop: Shop, command: Command, day: str) -> None:
    shop.faults({"on": "tradeBill", "effect": "status", "status": 403, "code": "NO_AUTH"})
    done = command("bills", "--day", day, "--run", "--wait", "100")
    shop.faults()
    assert done.returncode == 1
    assert f"{day}  failed" in done.stdout
    assert "may not download bills by API" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--day", "2026-13-01"], "2026-13-01 is no day"),
        (["--day", "yesterday"], "yesterday is no day"),
        (["--day", "2020-01-01"], "and none of 2020-01-01"),
        (["--day", "2020-01-01", "--run"], "and none of 2020-01-01"),
        (["--day", "2099-01-01", "--run"], "and none of 2099-01-01"),
        (["--run"], "which day is to be compared?"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(
    command: Command, arguments: list, sentence: str
) -> None:
    done = command("bills", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("zipped", [True, False])
def test_a_trade_bill_from_a_file_is_compared_by_the_same_rules(
    kept: dict[str, bytes], command: Command, tmp_path: Path, zipped: bool
) -> None:
    file = tmp_path / "bill.csv"
    text = kept["trade"]
    file.write_bytes(text if zipped else gzip.decompress(text))
    done = command("statement", "--file", str(file))
    assert (done.returncode, lines(done)[-1]) == (0, ["no", "difference"]), done.stderr
    assert ["payments", "2", "123.45"] in lines(done)


def test_what_a_file_lacks_alters_or_makes_up_is_found(
    kept: dict[str, bytes], command: Command, day: str, tmp_path: Path
) -> None:
    header, *rows, sums_header, sums, _ = gzip.decompress(kept["trade"]).split(b"\r\n")
    mchid = rows[1].split(b",")[2][1:].decode()
    made_up = trade_bill(PAYMENT | {"交易时间": f"{day} 12:00:00", "商户号": mchid}).split(b"\r\n")[1]
    altered = rows[1].replace(b"`23.45", b"`99.99")
    file = tmp_path / "bill.csv"
    file.write_bytes(b"\r\n".join([header, altered, rows[2], made_up, sums_header, sums, b""]))
    done = command("statement", "--file", str(file))
    assert done.returncode == 3, done.stdout + done.stderr
    kinds = sorted(line[0] for line in lines(done) if line[0] in ("amount", "unknown_here", "unknown_there"))
    assert kinds == ["amount", "unknown_here", "unknown_there"]
    assert {"WXA"} < {line[1] for line in lines(done) if line[0].startswith("unknown")}


def test_a_fund_flow_bill_is_held_against_its_own_sums(
    kept: dict[str, bytes], command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "fund.csv.gz"
    file.write_bytes(kept["fund"])
    same = command("statement", "--file", str(file))
    assert same.returncode == 0
    assert same.stdout.splitlines()[-1] == (
        "A fund-flow bill by itself is held against its own sums alone; make bills compares both bills of a day."
    )
    file.write_bytes(fund_bill(MOVEMENT, MOVEMENT | {"业务类型": "提现", "收支类型": "支出"}))
    done = command("statement", "--file", str(file))
    assert done.returncode == 3
    assert ["of", "these", "提现", "1", "-19.90"] in lines(done)
    sums = [line for line in done.stdout.splitlines() if line.startswith("sum ")]
    assert sums
    assert all("bills: its sums say" in line and "ours" not in line for line in sums)


def test_a_bill_of_another_merchant_is_compared_with_nothing(
    kept: dict[str, bytes], shop: Shop, command: Command, tmp_path: Path
) -> None:
    file, ours = tmp_path / "bill.csv", shop.sandbox.credentials.mchid
    file.write_bytes(gzip.decompress(kept["trade"]).replace(ours.encode(), b"1900000109"))
    done = command("statement", "--file", str(file))
    said = (
        f"statement: line 2 is of merchant 1900000109, and this stack's is {ours}: another merchant's bill\n"
    )
    assert (done.returncode, done.stderr) == (1, said)


def test_without_a_file_the_variable_is_named(command: Command) -> None:
    done = command("statement", "--file", "")
    said = "statement: which bill is to be compared? Say FILE=bill.csv\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_day_that_is_not_over_is_not_said_to_be_comparable(command: Command, shop: Shop) -> None:
    today = Books(shop).today
    done = command("bills", "--day", today)
    assert (done.returncode, f"and none of {today}" in done.stderr) == (1, True)


def test_the_list_says_what_becomes_of_a_day_that_was_not_compared(
    kept: dict, shop: Shop, command: Command, day: str
) -> None:
    shop.faults({"on": "tradeBill", "effect": "status", "status": 403, "code": "NO_AUTH"})
    one = command("bills", "--day", day, "--run", "--wait", "100")
    shop.faults()
    listed = command("bills")
    again = "it is asked for again from 10:10 to 20:40 Beijing time, each half hour; DAY=… RUN=1 asks at once"
    assert one.stdout.splitlines()[-1] == again
    assert (listed.returncode, listed.stdout.splitlines()[-1]) == (
        1,
        f"bills: {day} is not compared; {again}",
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "there is nothing in it"),
        (b"a,b\r\n`1,`2\r\n", "line 1, column 交易时间: is missing"),
        (gzip.compress(trade_bill(PAYMENT), mtime=0)[:-9], "the file is cut off"),
        (
            trade_bill(PAYMENT).replace(b"`19.90", b"`19.9x"),
            "line 2, column 应结订单金额: is no amount in yuan",
        ),
    ],
)
def test_a_file_that_is_no_bill_is_named(
    command: Command, tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "bill.csv"
    if content is not None:
        file.write_bytes(content)
    done = command("statement", "--file", str(file))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
