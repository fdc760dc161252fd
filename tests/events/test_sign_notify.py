"""events/sign_notify.py as its users call it, and what the sandbox's notify function makes of what it prints."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.commands.samples import SampleOrder, invoke
from tests.kit.running import Running

pytestmark = pytest.mark.share(2, of_file=True)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox():
    with Running() as running:
        yield running


def script(*arguments):
    return subprocess.run(
        [sys.executable, "events/sign_notify.py", *map(str, arguments)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )


def signed(sandbox, *arguments):
    done = script("--credentials", sandbox.credentials_path, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def notify(sandbox, *arguments):
    """What our notify function answers to a freshly signed notification."""
    answer = invoke(sandbox, "notify", signed(sandbox, *arguments))
    return answer["statusCode"], json.loads(answer["body"])["code"]


def sample(name):
    return json.loads((ROOT / f"events/{name}.json").read_text())


@pytest.fixture
def order(sandbox):
    """A fresh order over 99.99 yuan."""
    return SampleOrder(sandbox, print).number


def details(sandbox, order):
    event = sample("payment") | {"pathParameters": {"outTradeNo": order}}
    return json.loads(invoke(sandbox, "payment", event)["body"])["data"]


def test_it_has_the_shape_of_the_sample_event(sandbox):
    fresh, kept = signed(sandbox), sample("notify")
    assert fresh.keys() == kept.keys()
    assert fresh["headers"].keys() == kept["headers"].keys()
    assert fresh["requestContext"].keys() == kept["requestContext"].keys()
    bodies = [json.loads(event["body"]) for event in (fresh, kept)]
    assert bodies[0].keys() == bodies[1].keys()
    assert bodies[0]["resource"].keys() == bodies[1]["resource"].keys()


def test_a_freshly_signed_payment_is_believed(sandbox, order):
    assert notify(sandbox, "--out-trade-no", order, "--total", 9999) == (200, "SUCCESS")
    assert details(sandbox, order)["status"] == "succeeded"


def test_signed_twice_it_is_the_same_payment(sandbox, order):
    for _ in range(2):
        assert notify(sandbox, "--out-trade-no", order) == (200, "SUCCESS")
    transaction_id = details(sandbox, order)["metadata"]["transactionId"]
    assert len(transaction_id) == 28
    assert transaction_id.isdigit()


def test_a_freshly_signed_refund_is_believed(sandbox, order):
    paid = ("--out-trade-no", order, "--transaction-id", "42000000012025")
    assert notify(sandbox, *paid) == (200, "SUCCESS")
    assert notify(sandbox, *paid, "--refund", 5000) == (200, "SUCCESS")
    seen = details(sandbox, order)
    assert (seen["status"], seen["refundedAmount"]) == ("partially_refunded", "50.00")


@pytest.mark.parametrize("status", ["ABNORMAL", "CLOSED"])
def test_a_refund_may_also_fail(sandbox, order, status):
    assert notify(sandbox, "--out-trade-no", order) == (200, "SUCCESS")
    refund = ("--refund", 5000, "--refund-status", status, "--out-refund-no", f"RF-{status}")
    assert notify(sandbox, "--out-trade-no", order, *refund) == (200, "SUCCESS")
    seen = [(each["outRefundNo"], each["status"]) for each in details(sandbox, order)["refunds"]]
    # One that somebody else asked for and that has moved no money leaves no trace.
    assert seen == ([] if status == "CLOSED" else [("RF-ABNORMAL", "ABNORMAL")])


def test_an_order_that_nobody_opened_makes_wechat_pay_come_again(sandbox):
    assert notify(sandbox, "--out-trade-no", "WXNOBODYOPENEDTHIS") == (503, "FAIL")


def test_another_amount_credits_nothing(sandbox, order):
    assert notify(sandbox, "--out-trade-no", order, "--total", 1) == (200, "SUCCESS")
    assert details(sandbox, order)["status"] == "pending"


def test_signed_ten_minutes_ago_it_is_stale(sandbox, order):
    ago = int(time.time()) - 600
    assert notify(sandbox, "--out-trade-no", order, "--timestamp", ago) == (401, "FAIL")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--out-trade-no", "short"),
        ("--out-trade-no", "a number"),
        ("--total", "99.99"),
        ("--total", "0"),
        ("--transaction-id", ""),
        ("--refund", "-1"),
        ("--refund", "10000"),
        ("--refund-status", "LOST"),
        ("--out-refund-no", "RF 1"),
        ("--timestamp", "today"),
        ("--credentials", "no-such-file.json"),
        ("--credentials", "Makefile"),
        ("--credentials", "events/env.json"),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_option(sandbox, option, value):
    done = script("--credentials", sandbox.credentials_path, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"argument {option}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_credentials_it_says_what_is_missing():
    done = script()
    assert done.returncode == 2
    assert "--credentials" in done.stderr


@pytest.mark.parametrize(
    ("member", "value"),
    [("mchid", None), ("apiV3Key", "short"), ("wechatPrivateKey", "no key"), ("wechatPrivateKey", 1)],
)
def test_a_credentials_file_that_cannot_be_used_is_named_with_its_member(sandbox, tmp_path, member, value):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(json.loads(sandbox.credentials_path.read_text()) | {member: value}))
    done = script("--credentials", file)
    assert done.returncode == 2
    assert "argument --credentials" in done.stderr
    assert member in done.stderr
    assert "BEGIN" not in done.stderr
