"""A day belongs to one run at a time; what a dead one has left is taken over, and nobody else's result is overwritten."""

import pytest

from payments.core.books.bill_day import (
    LEASE_SECONDS,
    BillDay,
    DayStatus,
    KeptBill,
    days_before,
    oldest_day,
)
from payments.core.errors import RefusedUpdate
from payments.storage.books.bills import BillStore

DAY, NOW = "2026-11-28", 1_796_000_000
BILLS = {"trade": KeptBill(rows=3, parts=1, sha1="ab"), "fund": KeptBill()}


@pytest.fixture
def bills(db) -> BillStore:
    return BillStore(bills_table="BillsTable")


def test_a_day_goes_from_fetching_to_its_result(bills):
    assert bills.day(DAY) is None
    claimed = bills.claim(DAY, "run-1", now=NOW)
    assert claimed == BillDay(
        DAY,
        DayStatus.RUNNING,
        updated_at=NOW,
        attempts=1,
        run="run-1",
        stage="fetch",
        leased_until=NOW + LEASE_SECONDS,
    )
    fetched = bills.keep_bill(DAY, "run-1", BILLS, now=NOW + 5)
    assert (fetched.trade, fetched.fund) == (BILLS["trade"], BILLS["fund"])
    assert bills.advance(DAY, "run-1", seen="fetch", stage="compare", now=NOW + 6).stage == "compare"
    bills.conclude(DAY, "run-1", DayStatus.DIFFERS, {"differences": 2}, now=NOW + 9)
    day = bills.day(DAY)
    assert (day.status, day.results, day.updated_at) == (DayStatus.DIFFERS, {"differences": 2}, NOW + 9)
    assert day.trade == BILLS["trade"]
    assert bills.days([DAY, "2026-11-27"]) == {DAY: day}


def test_a_second_run_waits_until_the_first_has_been_silent_for_long(bills):
    bills.claim(DAY, "run-1", now=NOW)
    with pytest.raises(RefusedUpdate):
        bills.claim(DAY, "run-2", now=NOW + LEASE_SECONDS)
    bills.renew(DAY, "run-1", now=NOW + 100)
    with pytest.raises(RefusedUpdate):
        bills.claim(DAY, "run-2", now=NOW + LEASE_SECONDS + 1)
    bills.keep_bill(DAY, "run-1", BILLS, now=NOW + 200)
    taken = bills.claim(DAY, "run-2", now=NOW + LEASE_SECONDS + 201)
    assert (taken.run, taken.attempts, taken.trade, taken.fund) == ("run-2", 2, None, None)


def test_a_run_that_has_lost_its_day_writes_nothing_any_more(bills):
    bills.claim(DAY, "run-1", now=NOW)
    bills.claim(DAY, "run-2", now=NOW + LEASE_SECONDS + 1)
    before = bills.day(DAY)
    late = NOW + LEASE_SECONDS + 2
    for write in (
        lambda: bills.renew(DAY, "run-1", now=late),
        lambda: bills.keep_bill(DAY, "run-1", BILLS, now=late),
        lambda: bills.advance(DAY, "run-1", seen="fetch", stage="compare", now=late),
        lambda: bills.put_off(DAY, "run-1", DayStatus.FAILED, "why", now=late),
        lambda: bills.conclude(DAY, "run-1", DayStatus.BALANCED, {}, now=late),
    ):
        with pytest.raises(RefusedUpdate):
            write()
    assert bills.day(DAY) == before


def test_the_same_run_begins_again_where_its_function_died_and_not_once_it_has_gone_on(bills):
    bills.claim(DAY, "run-1", now=NOW)
    assert bills.claim(DAY, "run-1", now=NOW + 1).attempts == 2
    bills.advance(DAY, "run-1", seen="fetch", stage="compare", now=NOW + 2)
    with pytest.raises(RefusedUpdate):
        bills.claim(DAY, "run-1", now=NOW + 3)
    with pytest.raises(RefusedUpdate):
        bills.advance(DAY, "run-1", seen="fetch", stage="compare", now=NOW + 3)


def test_a_day_that_is_done_is_taken_again_only_when_somebody_wants_it(bills):
    bills.claim(DAY, "run-1", now=NOW)
    with pytest.raises(RefusedUpdate):
        bills.reopen(DAY, now=NOW)
    bills.conclude(DAY, "run-1", DayStatus.BALANCED, {}, now=NOW)
    with pytest.raises(RefusedUpdate):
        bills.claim(DAY, "run-2", now=NOW + 10 * LEASE_SECONDS)
    assert bills.reopen(DAY, now=NOW + 1).status is DayStatus.PENDING
    assert bills.claim(DAY, "run-2", now=NOW + 2).run == "run-2"


def test_a_day_that_nobody_has_looked_at_may_be_asked_for(bills):
    assert bills.reopen("2026-10-01", now=NOW) == BillDay("2026-10-01", DayStatus.PENDING, updated_at=NOW)
    assert bills.claim("2026-10-01", "run-1", now=NOW).attempts == 1


@pytest.mark.parametrize("status", [DayStatus.PENDING, DayStatus.FAILED])
def test_a_day_without_a_result_says_why_and_is_due(bills, status):
    bills.claim(DAY, "run-1", now=NOW)
    day = bills.put_off(DAY, "run-1", status, "not made yet", now=NOW)
    assert (day.status, day.reason) == (status, "not made yet")
    assert day.is_due(NOW)
    assert bills.claim(DAY, "run-2", now=NOW + 1).reason is None


def test_days_are_the_calendar_s():
    assert days_before("2026-03-01", 1) == "2026-02-28"
    assert oldest_day(1_796_000_000) == "2026-08-30"  # it is 2026-11-30 in Beijing
    assert oldest_day(1_780_200_000) == "2026-02-28"  # it is 2026-05-31: a shorter month ends sooner
