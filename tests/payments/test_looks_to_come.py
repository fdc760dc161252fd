"""When somebody looks again: the whole life of an order or a refund that nobody talks about, look by look."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.core.schedule import (
    due_shard,
    is_given_up,
    is_to_be_sent,
    keys,
    next_check,
    next_look,
    next_question,
    next_refund,
    shard,
)
from tests.kit.payments import a_payment

DAY = 24 * 3600
WEEK = 7 * DAY
ORDER = a_payment(status=Status.PENDING)


def refund(number: str = "A", **changed: object) -> Refund:
    values: dict[str, object] = {"wechat_request": "{}", "sent_at": 0, "amount": 1, "created_at": 0}
    return Refund(number, changed.pop("status", RefundStatus.REQUESTED), **values | changed)  # type: ignore[arg-type]


def paid(*refunds: Refund, **changed: object) -> Payment:
    kept = {one.out_refund_no: one for one in refunds}
    return replace(ORDER, status=Status.PAID, refunds=kept, **changed)  # type: ignore[arg-type]


def looks(payment: Payment, until: int, now: int = 0) -> list[int]:
    """Every look until then, each taken exactly when it is due and answered without news."""
    found = []
    while (at := next_check(payment, now)) is not None and at <= until:
        found.append(now := at)
    return found


# ---- orders ----


def test_an_unpaid_order_is_looked_at_soon_and_then_after_three_times_as_long_each_time() -> None:
    assert looks(ORDER, 7260) == [60, 180, 600, 1800, 7260]


def test_an_order_of_days_is_looked_at_every_day_and_at_its_end() -> None:
    of_a_week = replace(ORDER, time_expire=WEEK)
    found = looks(of_a_week, WEEK + 60)
    assert found[:7] == [60, 180, 600, 1800, 5400, 16200, 48600]
    assert {b - a for a, b in itertools.pairwise(found[6:-1])} == {DAY}
    assert found[-1] == WEEK + 60


def test_the_last_look_stands_for_one_shortly_before_it_and_for_no_earlier_one() -> None:
    """A look is left out when what it is away from the end is less than half of the order's age by then."""
    assert looks(replace(ORDER, time_expire=2640), 2700) == [
        60,
        180,
        600,
        1800,
        2700,
    ]  # 900 away: exactly half
    assert looks(replace(ORDER, time_expire=2639), 2699) == [60, 180, 600, 2699]


def test_past_its_end_and_not_closed_yet_an_order_is_looked_at_every_minute() -> None:
    assert looks(ORDER, 7380, now=7260) == [7320, 7380]
    assert next_check(ORDER, 7259) == 7260


def test_an_order_that_is_being_closed_is_asked_about_until_that_is_proven() -> None:
    closing = replace(ORDER, status=Status.CLOSING, updated_at=1000)
    assert looks(closing, 3000, now=1000) == [1060, 1180, 1600, 2200, 2800]


def test_an_order_that_wechat_pay_does_not_have_is_asked_about_again_after_two_minutes() -> None:
    missing = replace(ORDER, status=Status.CREATING, missing_since=700)
    assert next_check(missing, 700) == 820
    assert next_check(missing, 819) == 820
    assert next_check(missing, 820) == 1800


@pytest.mark.parametrize("status", [Status.FAILED, Status.CLOSED, Status.PAID, Status.REFUNDED])
def test_what_has_ended_is_not_looked_at(status: Status) -> None:
    assert next_check(replace(ORDER, status=status), 0) is None
    assert next_look(replace(ORDER, status=status), 0, answered=False, may_send=False) is None


def test_evidence_that_waits_is_tried_every_minute() -> None:
    assert next_check(paid(held=("{}",)), 100) == 160


# ---- looks that bring no answer ----


def test_a_look_without_an_answer_is_repeated_after_as_long_as_it_has_been_due_three_minutes_at_most() -> (
    None
):
    def next_after(due_since: int | None, now: int) -> int | None:
        due = replace(ORDER, time_expire=WEEK, due_since=due_since)
        return next_look(due, now, answered=False, may_send=True)

    now = 50_000  # the ladder's next rung is a day away
    assert next_after(None, now) == now + 60
    assert next_after(now - 30, now) == now + 60
    assert next_after(now - 61, now) == now + 61
    assert next_after(now - 179, now) == now + 179
    assert next_after(now - 4000, now) == now + 180
    assert next_after(0, now) == now + 180


def test_a_look_without_an_answer_is_never_later_than_one_with_it() -> None:
    assert next_look(replace(ORDER, due_since=0), 590, answered=False, may_send=True) == 600
    assert next_look(replace(ORDER, due_since=0), 590, answered=True, may_send=True) == 600
    assert next_look(ORDER, 1801, answered=True, may_send=True) == 7260


# ---- refunds ----


def test_a_refund_that_nobody_acknowledges_is_sent_again_for_a_week() -> None:
    sent, again = refund(), []
    for now in range(0, 8 * DAY, 60):
        if is_to_be_sent(sent, now):
            again.append(now)
            sent = replace(sent, sent_at=now)
    assert again[:5] == [60, 180, 600, 1800, 3600]
    assert {b - a for a, b in itertools.pairwise(again[4:])} == {6 * 3600}
    assert WEEK - 6 * 3600 <= again[-1] < WEEK


def test_a_look_that_comes_late_sends_once_for_all_the_times_it_missed() -> None:
    assert is_to_be_sent(refund(sent_at=0), 601)
    assert not is_to_be_sent(refund(sent_at=600), 601)
    assert is_to_be_sent(refund(sent_at=599), 601)
    assert not is_to_be_sent(refund(sent_at=3600), 3600 + 6 * 3600 - 1)
    assert is_to_be_sent(refund(sent_at=3600), 3600 + 6 * 3600)


def test_a_refund_that_was_never_sent_is_sent_a_minute_after_it_was_reserved() -> None:
    unsent = refund(sent_at=None, created_at=100)
    assert [is_to_be_sent(unsent, now) for now in (159, 160)] == [False, True]


@pytest.mark.parametrize(
    "changed",
    [
        {"status": RefundStatus.PROCESSING},
        {"status": RefundStatus.ABNORMAL},
        {"status": RefundStatus.CLOSED},
        {"wechat_request": None},
        {"refused": "CANCELLED"},
    ],
)
def test_what_is_acknowledged_refused_or_not_ours_is_never_sent(changed: dict[str, Any]) -> None:
    assert not is_to_be_sent(refund(**changed), 600)


def test_a_refund_is_given_up_after_a_week_or_once_it_is_refused() -> None:
    assert [is_given_up(refund(), now) for now in (WEEK - 1, WEEK)] == [False, True]
    assert is_given_up(refund(refused="INVALID_REQUEST"), 1)


def test_a_refund_that_was_taken_is_asked_about_ever_more_seldom() -> None:
    taken = paid(refund(status=RefundStatus.PROCESSING))
    assert looks(taken, 4 * DAY)[:4] == [60, 600, 3600, 6 * 3600]
    assert looks(taken, 4 * DAY)[4:] == [6 * 3600 + DAY * n for n in (1, 2, 3)]


def test_a_refund_that_nobody_has_acknowledged_is_asked_about_when_it_may_be_sent() -> None:
    assert looks(paid(refund(sent_at=None)), DAY) == [
        60,
        180,
        600,
        1800,
        3600,
        *range(7 * 3600, DAY + 1, 6 * 3600),
    ]


def test_a_refund_that_is_given_up_is_asked_about_once_no_send_of_it_can_live_and_again_two_minutes_later() -> (
    None
):
    gone = refund(refused="INVALID_REQUEST", sent_at=1000)
    assert next_question(gone, 1000) == 1060
    assert next_question(gone, 1059) == 1060
    assert next_question(gone, 1060) == 1120
    assert next_question(replace(gone, sent_at=None, created_at=1000), 1000) == 1060
    missing = replace(gone, missing_since=1060)
    assert next_question(missing, 1060) == 1180
    assert next_question(missing, 1179) == 1180
    assert next_question(missing, 1180) == 1240
    assert next_check(paid(missing), 1060) == 1180


def test_refunds_of_one_order_go_out_sixty_one_seconds_apart() -> None:
    assert next_refund(paid()) == 0
    assert next_refund(paid(refund(sent_at=None))) == 0
    both = paid(refund("A", sent_at=1000), refund("B", sent_at=500))
    assert next_refund(both) == 1061
    # B is to be sent, and its order's turn comes before the next rung of either.
    assert next_check(both, 1001) == 1061
    assert next_check(both, 1061) == 1800


def test_a_look_that_may_not_send_leaves_the_payment_due_at_once_for_one_that_may() -> None:
    to_be_sent = paid(refund(sent_at=0))
    assert next_look(to_be_sent, 700, answered=True, may_send=False) == 700
    assert next_look(to_be_sent, 700, answered=True, may_send=True) == 1800
    just_sent_another = paid(refund("A", sent_at=0), refund("B", sent_at=690, created_at=100))
    assert next_look(just_sent_another, 700, answered=True, may_send=False) == 751
    nothing_to_send = paid(refund(status=RefundStatus.PROCESSING))
    assert next_look(nothing_to_send, 700, answered=True, may_send=False) == 3600


# ---- where they wait ----


@pytest.mark.parametrize(
    ("payment", "at", "due_class"),
    [
        (ORDER, 7259, "money"),
        (ORDER, 7260, "expired"),
        (replace(ORDER, status=Status.CLOSING), 7260, "expired"),
        (replace(ORDER, status=Status.CLOSING), 60, "money"),
        (paid(), 9999, "money"),
        (paid(refund(status=RefundStatus.PROCESSING)), 9999, "money"),
        (paid(refund()), 59, "money"),
        (paid(refund()), 60, "sends"),
    ],
)
def test_a_due_payment_waits_in_the_class_of_what_is_to_be_done(
    payment: Payment, at: int, due_class: str
) -> None:
    assert due_shard(payment, at, 4).partition("#")[0] == due_class


def test_a_payment_keeps_its_shard_whatever_it_is_due_for_and_every_shard_is_swept() -> None:
    numbers = [f"WX{n:026}" for n in range(200)]
    used = {shard(number, 4) for number in numbers}
    assert used == {"money#0", "money#1", "money#2", "money#3"}
    for number in numbers:
        assert shard(number, 4, "sends").partition("#")[2] == shard(number, 4).partition("#")[2]
        assert shard(number, 4) in keys("money", 4)
    # The stored keys of every stack depend on it: SHA-256's first 32 bits.
    assert shard("WX1", 16) == "money#12"
    assert shard("WX1", 1) == "money#0"


def test_payments_from_before_there_were_classes_are_swept_with_those_that_money_waits_for() -> None:
    assert keys("money", 2) == ["money#0", "money#1", "0", "1"]
    assert keys("expired", 2) == ["expired#0", "expired#1"]
