"""What the doctor says of the account's concurrent functions."""

from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from operations.checks.concurrency import SENDS, check_concurrency
from operations.checks.findings import Finding, Level
from operations.stack import Stack
from payments.core.pacing import MAX_SENDS_AT_ONCE


class Account(Stack):
    """A stack in an account that may run so many functions at once, of which so many are not reserved."""

    def __init__(self, total: int, free: int, *, settles: int = 4, notify: int = 0, settle: int = 0) -> None:
        parameters = {
            "SettleConcurrency": str(settles),
            "NotifyReservedConcurrency": str(notify),
            "SettleReservedConcurrency": str(settle),
        }
        super().__init__("wechatpay-test", {}, parameters)
        self._limits = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": self._limits}


class Closed(Account):
    """One whose limit may not be asked for."""

    def get_account_settings(self) -> dict[str, Any]:
        raise NoCredentialsError


def said(account: Account) -> list[Finding]:
    return list(check_concurrency(account))


def test_the_sends_have_as_many_places_as_the_pace_is_made_for() -> None:
    assert SENDS == MAX_SENDS_AT_ONCE


def test_a_new_account_with_nothing_reserved_works_and_is_told_to_ask_for_more() -> None:
    reserved, shared = said(Account(10, 10))
    assert (reserved.level, reserved.sentence) == (
        Level.GOOD,
        "nothing is reserved, which is right where the account runs 10 at once",
    )
    assert shared.level is Level.WARNING
    assert "settle, which may take 6, 4 functions" in shared.sentence
    assert "a new account has ten" in shared.fix


def test_a_settle_that_takes_every_place_is_a_fault() -> None:
    shared = said(Account(10, 10, settles=8))[-1]
    assert shared.level is Level.FAULT
    assert "leaves nobody a place" in shared.sentence


def test_an_ordinary_account_is_told_what_it_could_reserve() -> None:
    reserved, shared = said(Account(1000, 1000, settles=20))
    assert {reserved.level, shared.level} == {Level.GOOD}
    assert (
        "up to 878 for NotifyReservedConcurrency with 22 for SettleReservedConcurrency" in reserved.sentence
    )
    assert "978 functions" in shared.sentence


def test_a_reservation_smaller_than_what_the_queues_hand_out_is_a_fault() -> None:
    first = said(Account(1000, 900, settles=20, settle=20))[0]
    assert first.level is Level.FAULT
    assert first.fix == "make it 22, or lower SettleConcurrency"


@pytest.mark.parametrize(("free", "level"), [(99, Level.WARNING), (100, Level.GOOD)])
def test_what_is_reserved_must_leave_a_share(free: int, level: Level) -> None:
    reserved = said(Account(200, free, settle=6, notify=50))[0]
    assert reserved.level is level
    assert f"leaves {free} of 200" in reserved.sentence


def test_a_limit_that_nobody_may_ask_for_stays_open() -> None:
    (finding,) = said(Closed(10, 10))
    assert finding.level is Level.UNCHECKED
