"""Which days are fetched when, and when somebody is told that one is late: by the function that the schedule calls."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from payments.core.books.bill_day import LEASE_SECONDS, DayStatus
from payments.core.errors import StorageUnavailableError
from payments.use_cases.books.due_days import due_days
from tests.books.world import BooksWiring, Bus, Effects, Queue
from tests.kit.dynamodb import MemoryDynamoDB, Operation
from tests.kit.functions import function

BEIJING = timezone(timedelta(hours=8))


class Schedule:
    """The function `bills`, called at moments of Beijing's days of November."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        effects = Effects()
        self.wiring: Any = BooksWiring(db)
        self.queue, self.bus = Queue(effects), Bus(effects)
        self.wiring.__dict__ |= {"queue": self.queue, "events": self.bus}
        self.app: Any = function("bills")
        vars(self.app)["wiring"] = self.wiring  # as tests hand in their own

    def at(self, day: int, hour: int = 10, minute: int = 10) -> list[str]:
        """Call it; the days that went to the queue."""
        self.wiring.time = datetime(2026, 11, day, hour, minute, tzinfo=BEIJING).timestamp()
        self.queue.waiting.clear()
        self.app.lambda_handler({}, None)
        assert all(message["stage"] == "fetch" for message in self.queue.waiting)
        return [message["billDate"] for message in self.queue.waiting]

    def ends(self, bill_date: str, status: DayStatus) -> None:
        """A run of that day ends so."""
        bills, now = self.wiring.bills, int(self.wiring.time)
        bills.claim(bill_date, "run-1", now=now)
        if status.is_done:
            bills.conclude(bill_date, "run-1", status, {}, now=now)
        else:
            bills.put_off(bill_date, "run-1", status, "why", now=now)

    @property
    def overdue(self) -> float:
        """What was measured last."""
        value: float = self.wiring.measured["BillMissing"]
        return value

    def told(self) -> list[dict[str, Any]]:
        """What was published."""
        return [json.loads(entry["Detail"]) for entry in self.bus.entries]


@pytest.fixture
def schedule(db: MemoryDynamoDB) -> Schedule:
    return Schedule(db)


def test_a_new_stack_begins_with_yesterday(schedule: Schedule) -> None:
    assert schedule.at(20) == ["2026-11-19"]
    assert schedule.overdue == 0


@pytest.mark.parametrize("status", list(DayStatus))
def test_yesterday_is_asked_for_until_it_is_done(schedule: Schedule, status: DayStatus) -> None:
    schedule.at(20)
    if status is DayStatus.RUNNING:
        schedule.wiring.bills.claim("2026-11-19", "run-1", now=int(schedule.wiring.time))
        assert schedule.at(20, 10, 20) == []
        assert schedule.at(20, 10, 40) == ["2026-11-19"]  # it has been silent for longer than it may
        return
    schedule.ends("2026-11-19", status)
    assert schedule.at(20, 10, 40) == ([] if status.is_done else ["2026-11-19"])


def test_days_that_were_missed_are_made_up_for_seven_days(schedule: Schedule) -> None:
    schedule.at(2)
    schedule.ends("2026-11-01", DayStatus.BALANCED)
    # Nothing called it for more than a week.
    assert schedule.at(20) == [f"2026-11-{day}" for day in range(19, 12, -1)]
    for day in (13, 15, 19):
        schedule.ends(f"2026-11-{day}", DayStatus.EMPTY)
    assert schedule.at(20, 10, 40) == ["2026-11-18", "2026-11-17", "2026-11-16", "2026-11-14"]


def test_of_older_days_those_that_somebody_asked_for_are_not_forgotten(schedule: Schedule) -> None:
    schedule.at(1)
    for day, status in (("2026-09-01", DayStatus.PENDING), ("2026-09-02", DayStatus.FAILED)):
        schedule.ends(day, status)
    schedule.wiring.bills.reopen("2026-09-03", now=int(schedule.wiring.time))
    schedule.wiring.bills.reopen(
        "2026-07-01", now=int(schedule.wiring.time)
    )  # older than WeChat Pay has bills
    asked = schedule.at(20)
    assert asked[7:] == ["2026-09-03", "2026-09-01"]


def test_in_the_evening_it_is_told_that_yesterday_is_missing(schedule: Schedule) -> None:
    schedule.at(20)
    schedule.ends("2026-11-19", DayStatus.FAILED)
    schedule.at(20, 20, 10)
    assert (schedule.overdue, schedule.told()) == (0, [])
    assert schedule.at(20, 20, 40) == ["2026-11-19"]
    assert schedule.overdue == 1
    assert schedule.told() == [
        {
            "id": "2026-11-19#missing",
            "billDate": "2026-11-19",
            "status": "failed",
            "reason": "why",
            "occurredAt": "2026-11-20T12:40:00Z",
        }
    ]
    assert schedule.bus.entries[0]["DetailType"] == "BillMissing"
    schedule.at(21)
    assert schedule.overdue == 1  # still nobody has seen to it
    assert len(schedule.told()) == 1
    schedule.ends("2026-11-19", DayStatus.DIFFERS)
    schedule.at(21, 10, 40)
    assert schedule.overdue == 0


def test_one_that_nobody_has_looked_at_is_missing_too(schedule: Schedule) -> None:
    schedule.at(20, 20, 40)
    (told,) = schedule.told()
    assert (told["status"], "reason" in told) == ("pending", False)


def test_one_that_is_being_compared_in_the_evening_is_late(schedule: Schedule) -> None:
    schedule.at(20, 20, 30)
    schedule.wiring.bills.claim("2026-11-19", "run-1", now=int(schedule.wiring.time))
    schedule.bus.entries.clear()
    assert schedule.at(20, 20, 40) == []
    assert [told["status"] for told in schedule.told()] == ["running"]


def test_a_day_that_is_done_is_never_missing(schedule: Schedule) -> None:
    schedule.at(20)
    schedule.ends("2026-11-19", DayStatus.EMPTY)
    schedule.at(20, 20, 40)
    assert (schedule.overdue, schedule.told()) == (0, [])


def test_what_the_queue_or_the_bus_does_not_take_is_an_error_and_the_next_call_does_it(
    schedule: Schedule,
) -> None:
    class Full:
        def send_message_batch(self, **_: Any) -> dict[str, Any]:
            return {"Failed": [{"Id": "0"}]}

        def put_events(self, **_: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1}

    for part in ("queue", "events"):
        kept = schedule.wiring.__dict__[part]
        schedule.wiring.__dict__[part] = Full()
        with pytest.raises(StorageUnavailableError):
            schedule.at(20, 20, 40)
        schedule.wiring.__dict__[part] = kept
    assert schedule.at(20, 20, 40) == ["2026-11-19"]
    assert len(schedule.told()) == 1


def test_all_of_it_is_one_read(schedule: Schedule, db: MemoryDynamoDB) -> None:
    asked: list[str] = []

    def noted(operation: Operation, run: Callable[[], Any]) -> Any:
        asked.append(operation.name)
        return run()

    db.around = noted
    due_days(schedule.wiring)
    assert asked == ["BatchGetItem"]
    assert LEASE_SECONDS < 1800  # so that each call finds what the one before has left to die
