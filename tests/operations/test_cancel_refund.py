"""An operator ends a refund that WeChat Pay does not take, and is told plainly when there is nothing to end."""

import subprocess
from collections.abc import Iterator

import pytest
import requests

from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.operations.commands import Command
from tests.operations.test_operations import paid_order

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: time passes here, and the doctor would miss it."""
    with Running(schedules=False) as running:
        yield running


@pytest.fixture
def shop(sandbox: Running) -> Iterator[Shop]:
    """Whoever refunds; nothing goes wrong at WeChat Pay after the test."""
    shop = Shop(sandbox)
    yield shop
    shop.faults()


def status_of(shop: Shop, number: str) -> str:
    (found,) = shop.details(number)["refunds"]
    return str(found["status"])


def paid(shop: Shop) -> str:
    number = paid_order(shop)
    assert shop.query(number)["tradeState"] == "SUCCESS"
    return number


def refund(shop: Shop, number: str) -> requests.Response:
    return shop.refund(number, 1, key="k")


def cancel(command: Command, number: str, refund_number: str) -> subprocess.CompletedProcess[str]:
    return command("cancel_refund", "--order", number, "--refund", refund_number)


def sweep(sandbox: Running) -> None:
    """One minute passes, and what is due is looked at."""
    sandbox.clock.advance(60)
    (timer,) = (each for name, each in sandbox.schedules.items() if name.startswith("Sweep"))
    timer.run_now()
    assert sandbox.drain()


@pytest.mark.parametrize("code", ["RULE_LIMIT", "NOT_ENOUGH"])
def test_a_refund_that_wechat_pay_does_not_take_ends_and_its_money_is_free_again(
    shop: Shop, command: Command, code: str
) -> None:
    number = paid(shop)
    shop.faults({"on": "refund", "effect": "status", "status": 403, "code": code})
    kept = refund(shop, number)
    assert kept.status_code == 503
    refund_number = kept.json()["details"]["outRefundNo"]
    for found in ("is sent no more;", "is sent no more already (CANCELLED);"):
        done = cancel(command, number, refund_number)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(
            f"cancel-refund: {refund_number} over 1.00 yuan {found} its money is free"
        )
        assert "RefundClosed" in done.stdout
    assert refund(shop, number).status_code == 503  # not sent, asked about
    for _ in range(4):
        sweep(shop.sandbox)
    assert status_of(shop, number) == "CLOSED"
    told = [event["detail-type"] for event in shop.events(number)]
    assert told[-1] == "RefundClosed"
    again = cancel(command, number, refund_number)
    assert again.returncode == 1
    assert again.stderr == (
        f"cancel-refund: {refund_number} has ended already: nothing was paid, and its money is free\n"
    )


def test_what_was_taken_after_all_goes_on_and_is_told_so(shop: Shop, command: Command) -> None:
    number = paid(shop)
    shop.faults(
        {"on": "refund", "effect": "reset_after"},
        {"on": "refundQuery", "effect": "reset_before"},
        {"on": "notification", "effect": "drop"},
    )
    refund_number = refund(shop, number).json()["details"]["outRefundNo"]
    assert cancel(command, number, refund_number).returncode == 0
    shop.faults()
    for _ in range(4):
        sweep(shop.sandbox)
    assert status_of(shop, number) in ("PROCESSING", "SUCCESS")


def test_what_wechat_pay_has_accepted_or_ended_is_left_as_it_is(shop: Shop, command: Command) -> None:
    number = paid(shop)
    shop.faults({"on": "notification", "effect": "drop"})
    refund_number = refund(shop, number).json()["data"]["outRefundNo"]
    left = cancel(command, number, refund_number)
    assert left.returncode == 1
    assert f"WeChat Pay has accepted {refund_number} already (PROCESSING)" in left.stderr
    shop.faults()
    for _ in range(2):
        sweep(shop.sandbox)
    assert status_of(shop, number) == "SUCCESS"
    left = cancel(command, number, refund_number)
    assert (left.returncode, left.stderr) == (
        1,
        f"cancel-refund: {refund_number} has ended already: the money has gone back to the buyer\n",
    )


def test_what_was_refused_for_good_ends_without_an_operator(shop: Shop, command: Command) -> None:
    number = paid(shop)
    shop.faults(
        {"on": "refund", "effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL", "times": 1}
    )
    refund_number = refund(shop, number).json()["details"]["outRefundNo"]
    left = cancel(command, number, refund_number)
    assert left.returncode == 1
    assert "refused" in left.stderr
    assert "ends by itself" in left.stderr


def test_an_order_or_a_refund_that_is_not_there_is_one_sentence(shop: Shop, command: Command) -> None:
    unknown = cancel(command, "WXNOBODY", "RF1")
    assert (unknown.returncode, unknown.stderr) == (1, "cancel-refund: there is no order WXNOBODY\n")
    number = paid(shop)
    unknown = cancel(command, number, "RF1")
    assert unknown.stderr == f"cancel-refund: the order {number} has no refund RF1; it has: none\n"
    assert cancel(command, number, "").returncode == 1
