"""When a payment is looked at, and under which key it waits: nowhere often where nothing can have happened."""

import dataclasses
from typing import Any

import pytest

from payments.core import schedule
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from tests.kit.payments import a_payment

OPENED = 1_800_000_000
MINUTE, HOUR = 60, 3600


def payment(status: Status = Status.PENDING, *, life: int = 2 * HOUR, **members: Any) -> Payment:
    times: dict[str, Any] = {"time_expire": OPENED + life, "created_at": OPENED, "updated_at": OPENED}
    return a_payment(amount=100, status=status, **times | members)


def refund(status: RefundStatus = RefundStatus.REQUESTED, number: str = "R", **members: Any) -> Refund:
    made = Refund(number, status, 1, OPENED, sent_at=OPENED, wechat_request="{}")
    return dataclasses.replace(made, **members)


def looks(one: Payment) -> list[int]:
    """Minutes from its opening at which an order that nobody pays is looked at, until its time is over."""
    found, now = [], OPENED
    while now < one.time_expire + schedule.AFTER_EXPIRY_SECONDS:
        at = schedule.next_look(one, now, answered=True, may_send=False)
        assert at is not None
        assert at > now
        found.append((at - OPENED) // MINUTE)
        now = at
    return found


@pytest.mark.parametrize(
    ("life", "minutes"),
    [
        (5 * MINUTE, [1, 3, 6]),
        (30 * MINUTE, [1, 3, 10, 31]),
        (2 * HOUR, [1, 3, 10, 30, 121]),
        (24 * HOUR, [1, 3, 10, 30, 90, 270, 810, 1441]),
        (168 * HOUR, [1, 3, 10, 30, 90, 270, 810, 2250, 3690, 5130, 6570, 10081]),
    ],
)
@pytest.mark.parametrize("status", [Status.CREATING, Status.PENDING])
def test_an_order_that_nobody_pays_is_looked_at_a_few_times_and_when_its_time_is_over(
    life: int, minutes: list[int], status: Status
) -> None:
    assert looks(payment(status, life=life)) == minutes


def test_a_second_no_such_order_is_heard_as_soon_as_it_counts() -> None:
    missing = payment(Status.CREATING, missing_since=OPENED + 65)
    assert schedule.next_check(missing, OPENED + 65) == OPENED + 180
    missing = payment(Status.CREATING, missing_since=OPENED + 200)
    assert schedule.next_check(missing, OPENED + 200) == OPENED + 320
    assert schedule.next_check(missing, OPENED + 320) == OPENED + 600


def test_a_close_that_is_not_confirmed_is_tried_less_and_less_often() -> None:
    closing = payment(Status.CLOSING, updated_at=OPENED + 1000)
    moments, now = [], OPENED + 1000
    for _ in range(5):
        now = schedule.next_check(closing, now) or 0
        moments.append(now - OPENED - 1000)
    assert moments == [60, 180, 600, 1200, 1800]


def test_a_look_without_an_answer_is_repeated_after_as_long_again_as_it_has_been_due() -> None:
    waiting = payment(due_since=OPENED + 30 * MINUTE)
    after = {
        late: (schedule.next_look(waiting, OPENED + 30 * MINUTE + late, answered=False, may_send=False) or 0)
        - OPENED
        - 30 * MINUTE
        - late
        for late in (0, 30, 60, 120, 180, 2000)
    }
    assert after == {0: 60, 30: 60, 60: 60, 120: 120, 180: 180, 2000: 180}
    assert (
        schedule.next_look(waiting, OPENED + 30 * MINUTE, answered=True, may_send=False)
        == OPENED + 121 * MINUTE
    )


def test_only_a_payment_whose_refund_must_be_sent_belongs_to_the_sends() -> None:
    paid: dict[str, Any] = {"status": Status.PAID, "refunds": {"R": refund()}}
    assert schedule.due_shard(payment(**paid), OPENED + 59, 1) == "money#0"
    assert schedule.due_shard(payment(**paid), OPENED + 60, 1) == "sends#0"
    for other in (
        refund(RefundStatus.PROCESSING),
        refund(RefundStatus.SUCCEEDED),
        refund(refused="NOT_ENOUGH"),
        refund(wechat_request=None, elsewhere=True),
        refund(sent_at=OPENED + 60),
    ):
        held = payment(Status.PAID, refunds={"R": other})
        assert schedule.due_shard(held, OPENED + 60, 1) == "money#0", other


def test_an_order_whose_time_is_over_is_of_another_class_than_one_that_can_be_paid() -> None:
    for status in (Status.CREATING, Status.PENDING, Status.CLOSING):
        assert schedule.due_shard(payment(status), OPENED + 121 * MINUTE - 1, 1) == "money#0"
        assert schedule.due_shard(payment(status), OPENED + 121 * MINUTE, 1) == "expired#0"
    assert schedule.due_shard(payment(Status.PAID), OPENED + 200 * MINUTE, 1) == "money#0"


def test_a_question_leaves_a_refund_that_must_be_sent_due_at_once_for_a_send() -> None:
    now = OPENED + 90
    asked = payment(Status.PAID, refunds={"R": refund()})
    assert schedule.next_look(asked, now, answered=True, may_send=False) == now
    assert schedule.next_look(asked, now, answered=True, may_send=True) == OPENED + 180
    # Another of the same order went out a moment ago: it has its minute.
    both = {"R": refund(), "S": refund(RefundStatus.PROCESSING, "S", sent_at=OPENED + 80)}
    at = schedule.next_look(payment(Status.PAID, refunds=both), now, answered=True, may_send=False)
    assert at == OPENED + 80 + schedule.REFUND_INTERVAL_SECONDS
    assert schedule.due_shard(payment(Status.PAID, refunds=both), at, 1) == "sends#0"


def test_a_payments_shard_is_the_same_in_every_class_and_old_keys_are_read_with_the_money() -> None:
    numbers = {
        schedule.shard("WX1", 16, each).partition("#")[2]
        for each in (schedule.MONEY, schedule.EXPIRED, schedule.SENDS)
    }
    assert len(numbers) == 1
    assert schedule.keys(schedule.EXPIRED, 2) == ["expired#0", "expired#1"]
    assert schedule.keys(schedule.MONEY, 2) == ["money#0", "money#1", "0", "1"]
