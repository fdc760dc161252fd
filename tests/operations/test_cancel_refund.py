"""An operator ends a refund that WeChat Pay does not take, and is told plainly when there is nothing to end."""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.stack import Sandbox
from tests.operations.test_operations import paid_order

Command = Callable[..., subprocess.CompletedProcess[str]]
Faults = Callable[..., None]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One of its own: time passes here, and the doctor would miss it."""
    with Sandbox(schedules=False) as running:
        yield running


@pytest.fixture
def faults(sandbox: Sandbox) -> Any:
    """What goes wrong at WeChat Pay from now on; nothing after the test."""

    def put(*rules: dict[str, object]) -> None:
        requests.delete(f"{sandbox.simulator}/_sandbox/faults", timeout=30)
        if rules:
            body = {"rules": list(rules)}
            answer = requests.post(f"{sandbox.simulator}/_sandbox/faults", json=body, timeout=30)
            assert answer.status_code == 200, answer.text

    yield put
    put()


def call(sandbox: Sandbox, method: str, path: str, **given: Any) -> requests.Response:
    token = sandbox.tokens.token("office", "payments:refund payments:charge")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    return requests.request(
        method, f"{sandbox.api}/api/v1/payments/wechat{path}", headers=headers, timeout=30, **given
    )


def refund(sandbox: Sandbox, number: str) -> requests.Response:
    return call(sandbox, "POST", "/refund", json={"outTradeNo": number, "refundAmount": 1})


def status_of(sandbox: Sandbox, number: str) -> str:
    (found,) = call(sandbox, "GET", f"/payment/{number}").json()["data"]["refunds"]
    return str(found["status"])


def paid(sandbox: Sandbox) -> str:
    number = paid_order(sandbox)
    assert call(sandbox, "GET", f"/query/{number}").json()["data"]["tradeState"] == "SUCCESS"
    return number


def cancel(command: Command, number: str, refund_number: str) -> subprocess.CompletedProcess[str]:
    return command("cancel_refund", "--order", number, "--refund", refund_number)


def sweep(sandbox: Sandbox) -> None:
    """One minute passes, and what is due is looked at."""
    sandbox.clock.advance(60)
    (timer,) = (each for name, each in sandbox.schedules.items() if name.startswith("Sweep"))
    timer.run_now()
    assert sandbox.drain()


@pytest.mark.parametrize("code", ["RULE_LIMIT", "NOT_ENOUGH"])
def test_a_refund_that_wechat_pay_does_not_take_ends_and_its_money_is_free_again(
    sandbox: Sandbox, command: Command, faults: Faults, code: str
) -> None:
    number = paid(sandbox)
    faults({"on": "refund", "effect": "status", "status": 403, "code": code})
    kept = refund(sandbox, number)
    assert kept.status_code == 503
    refund_number = kept.json()["details"]["outRefundNo"]
    for found in ("is sent no more;", "is sent no more already (CANCELLED);"):
        done = cancel(command, number, refund_number)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(
            f"cancel-refund: {refund_number} over 1.00 yuan {found} its money is free"
        )
        assert "RefundClosed" in done.stdout
    assert refund(sandbox, number).status_code == 503  # not sent, asked about
    for _ in range(4):
        sweep(sandbox)
    assert status_of(sandbox, number) == "CLOSED"
    sandbox.drain()
    told = [e["detail-type"] for e in sandbox.events() if e["detail"]["outTradeNo"] == number]
    assert told[-1] == "RefundClosed"
    again = cancel(command, number, refund_number)
    assert again.returncode == 1
    assert again.stderr == (
        f"cancel_refund.py: {refund_number} has ended already: nothing was paid, and its money is free\n"
    )


def test_what_was_taken_after_all_goes_on_and_is_told_so(
    sandbox: Sandbox, command: Command, faults: Faults
) -> None:
    number = paid(sandbox)
    faults(
        {"on": "refund", "effect": "reset_after"},
        {"on": "refundQuery", "effect": "reset_before"},
        {"on": "notification", "effect": "drop"},
    )
    refund_number = refund(sandbox, number).json()["details"]["outRefundNo"]
    assert cancel(command, number, refund_number).returncode == 0
    faults()
    for _ in range(4):
        sweep(sandbox)
    assert status_of(sandbox, number) in ("PROCESSING", "SUCCESS")


def test_what_wechat_pay_has_accepted_or_ended_is_left_as_it_is(
    sandbox: Sandbox, command: Command, faults: Faults
) -> None:
    number = paid(sandbox)
    faults({"on": "notification", "effect": "drop"})
    refund_number = refund(sandbox, number).json()["data"]["outRefundNo"]
    left = cancel(command, number, refund_number)
    assert left.returncode == 1
    assert f"WeChat Pay has accepted {refund_number} already (PROCESSING)" in left.stderr
    faults()
    for _ in range(2):
        sweep(sandbox)
    assert status_of(sandbox, number) == "SUCCESS"
    left = cancel(command, number, refund_number)
    assert (left.returncode, left.stderr) == (
        1,
        f"cancel_refund.py: {refund_number} has ended already: the money has gone back to the buyer\n",
    )


def test_what_was_refused_for_good_ends_without_an_operator(
    sandbox: Sandbox, command: Command, faults: Faults
) -> None:
    number = paid(sandbox)
    faults({"on": "refund", "effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL", "times": 1})
    refund_number = refund(sandbox, number).json()["details"]["outRefundNo"]
    left = cancel(command, number, refund_number)
    assert left.returncode == 1
    assert "refused" in left.stderr
    assert "ends by itself" in left.stderr


def test_an_order_or_a_refund_that_is_not_there_is_one_sentence(sandbox: Sandbox, command: Command) -> None:
    unknown = cancel(command, "WXNOBODY", "RF1")
    assert (unknown.returncode, unknown.stderr) == (1, "cancel_refund.py: there is no order WXNOBODY\n")
    number = paid(sandbox)
    unknown = cancel(command, number, "RF1")
    assert unknown.stderr == f"cancel_refund.py: the order {number} has no refund RF1; it has: none\n"
    assert cancel(command, number, "").returncode == 1
