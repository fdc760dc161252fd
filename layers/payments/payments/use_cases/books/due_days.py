"""Which days' bills are to be fetched now, and whether yesterday's are late."""

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.books.bill_day import DAYS_BACK, BillDay, DayStatus, days_before, oldest_day
from payments.core.books.missing_event import missing_entry
from payments.core.errors import StorageUnavailableError
from payments.core.times import beijing, day_text
from payments.storage.books.bills import FETCH
from payments.use_cases.books.messages import Message, send
from payments.wiring import Wiring

LATE_AFTER = "20:30"  # Beijing time: until then there is time to see to it


@dataclass(frozen=True)
class DueDays:
    """`due` are to be fetched now, the newest first. `late` is yesterday where it is not done by LATE_AFTER, or None.

    `overdue` counts days that somebody should look after: yesterday when late, and each day before that is still not done.
    """

    due: tuple[str, ...]
    late: BillDay | None
    overdue: int


def due_days(wiring: Wiring) -> DueDays:
    """Look at all days that WeChat Pay has bills of (one read). Raises StorageUnavailableError.

    Due is yesterday, and what of the DAYS_BACK days before is not done; none from before the first day that was ever looked at:
    a new stack has no books of those. Of older days those that somebody asked for and that did not come to their end.
    """
    now = int(wiring.now())
    yesterday, oldest = days_before(day_text(now), 1), oldest_day(now)
    window = [yesterday]
    while window[-1] > oldest:
        window.append(days_before(window[-1], 1))
    known = wiring.bills.days(window)
    first = max(min(known, default=yesterday), days_before(yesterday, DAYS_BACK - 1))
    due = tuple(day for day in window if _is_due(day, known.get(day), first, now))
    last = known.get(yesterday) or BillDay(yesterday, DayStatus.PENDING, updated_at=now)
    late = None if last.status.is_done or beijing(now)[11:16] < LATE_AFTER else last
    before = [day for day in due if first <= day < yesterday]
    return DueDays(due, late, overdue=len(before) + (late is not None))


def _is_due(bill_date: str, known: BillDay | None, first: str, now: int) -> bool:
    if known is None:
        return bill_date >= first
    return known.is_due(now) and (bill_date >= first or known.status is not DayStatus.FAILED)


def fetch_later(bill_dates: Sequence[str], wiring: Wiring) -> None:
    """Send these days to the queue. Raises StorageUnavailableError where one was not taken; a day may be sent twice."""
    send([Message(bill_date, "", FETCH) for bill_date in bill_dates], wiring)  # whoever gets it names the run


def tell_missing(day: BillDay, wiring: Wiring) -> None:
    """Publish that this day was not compared in time. Raises StorageUnavailableError; it may be told twice, under one id."""
    entry = missing_entry(day, now=int(wiring.now()), bus=wiring.settings.event_bus)
    try:
        answer = wiring.events.put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as problem:
        raise StorageUnavailableError(type(problem).__name__) from problem
    if answer.get("FailedEntryCount"):
        raise StorageUnavailableError("PutEvents")
