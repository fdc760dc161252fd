"""Two hundred schedules of two devices at one checkout, faults at every effect: no two payable orders, no money unheard of."""

from collections import Counter as Count

import pytest

from tests.checkouts.counter import Counter, counter_tables
from tests.checkouts.schedules import Schedule
from tests.kit.aws_line import new_line
from tests.kit.dynamodb import MemoryDynamoDB

SCHEDULES = 200
__all__ = ["counter_tables"]


def scheduled(tables: MemoryDynamoDB, seed: int) -> tuple[list[str], list[str]]:
    """What went wrong in one schedule, and what happened in it."""
    with new_line(), tables as db:
        db.clear()
        db.records.clear()
        try:
            schedule = Schedule(
                Counter(db), seed, refunding=seed % 2 == 0, faults=(0.0, 0.05, 0.15, 0.3)[seed % 4]
            )
            return schedule.run(), schedule.story
        finally:
            db.around = None


@pytest.mark.parametrize("part", range(4))
def test_two_devices_never_hold_two_payable_orders_and_no_money_is_lost(
    counter_tables: MemoryDynamoDB, part: int
) -> None:
    seen: Count[str] = Count()
    for seed in range(part, SCHEDULES, 4):
        violations, story = scheduled(counter_tables, seed)
        assert not violations, (seed, violations, story)
        seen.update(line.partition(" ")[2] if ":" in line else line.split()[0] for line in story)
    assert seen["200 waiting"] > 0
    if part:
        assert seen["503 SYSTEMERROR"] > 0
