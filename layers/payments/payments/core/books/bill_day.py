"""What is known of one Beijing day's bills: whether they were fetched and compared, and with what result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from payments.core.times import day_text

LEASE_SECONDS = 1_200  # seconds that a run may say nothing before another one takes the day: longer than one function lives
DAYS_BACK = 7  # days on which a day that is not done is tried again
MONTHS_KEPT = 3  # months that WeChat Pay gives bills of


class DayStatus(StrEnum):
    """Where a day stands; the words are the API's."""

    PENDING = "pending"  # its bills are not there yet, or could not be had
    RUNNING = "running"
    EMPTY = "empty"  # nothing on that day, neither there nor here
    BALANCED = "balanced"
    DIFFERS = "differs"
    FAILED = "failed"  # something is wrong with its bills; `reason` says what

    @property
    def is_done(self) -> bool:
        """Whether the day was compared."""
        return self in (DayStatus.EMPTY, DayStatus.BALANCED, DayStatus.DIFFERS)


@dataclass(frozen=True)
class KeptBill:
    """A bill that was fetched and proven: how many rows it has, in how many parts they lie. One that WeChat Pay does not
    have, for nothing happened, has none.

    `sha1` is of its text, as WeChat Pay signed it; empty where there is no bill.
    """

    rows: int = 0
    parts: int = 0
    sha1: str = ""


@dataclass(frozen=True)
class BillDay:
    """One day. `run` names the run that has it or had it last, `stage` how far that is; `leased_until` in epoch seconds.

    `attempts` counts runs. `results` are numbers that a comparison has found, by names of its own.
    """

    bill_date: str
    status: DayStatus
    updated_at: int
    attempts: int = 0
    run: str | None = None
    stage: str | None = None
    leased_until: int = 0
    reason: str | None = None
    trade: KeptBill | None = None
    fund: KeptBill | None = None
    results: Mapping[str, int] = field(default_factory=dict)

    def is_free(self, now: int) -> bool:
        """Whether a run may begin: none has it, or the one that had it has died."""
        return self.status is not DayStatus.RUNNING or self.leased_until < now

    def is_due(self, now: int) -> bool:
        """Whether a run should begin by itself."""
        return not self.status.is_done and self.is_free(now)


def days_before(day: str, count: int) -> str:
    """The day so many days before `day`."""
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def oldest_day(now: int) -> str:
    """The oldest day that WeChat Pay still has bills of: three months ago, by the calendar."""
    year, month, day = map(int, day_text(now).split("-"))
    year, month = divmod(year * 12 + month - 1 - MONTHS_KEPT, 12)
    first = date(year, month + 1, 1)
    following = (first + timedelta(days=31)).replace(day=1)  # a shorter month ends sooner
    return min(first + timedelta(days=day - 1), following - timedelta(days=1)).isoformat()
