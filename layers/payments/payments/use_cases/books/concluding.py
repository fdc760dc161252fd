"""The end of a run: the day's sums, its result, the event and the metrics that tell of it, and what the days beside it wait for."""

from collections import Counter
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.books.bill_day import BillDay, DayStatus
from payments.core.books.bill_events import bill_entry
from payments.core.books.differences import Difference, DifferenceKind
from payments.core.books.neighbours import shifted
from payments.core.books.results import PartResult, numbers_of, summed
from payments.core.books.totals import fund_sums_differences, trade_sums_differences
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.logs import logger
from payments.storage.books.results import Listed, Part
from payments.use_cases.books.difference_list import Listing
from payments.wiring import Wiring

_STAGES = ("trade", "fund", "journal", "join")


def conclude(day: BillDay, wiring: Wiring) -> None:
    """End a run of which every part is done. Raises StorageUnavailableError."""
    run = day.run or ""
    parts = (part for stage in _STAGES for part in wiring.results.finished(day.bill_date, run, stage))
    whole = summed(parts)
    sums = PartResult()
    listing = Listing(Part(day.bill_date, run, "conclude", 0), wiring)
    listing.add(_sums(day, whole, wiring))
    listing.finish(sums)
    whole = summed([whole, sums])
    status = _status(whole)
    numbers = numbers_of(whole)
    now = int(wiring.now())
    if status is not DayStatus.EMPTY:
        _put_event(bill_entry(day, status, numbers, now=now, bus=wiring.settings.event_bus), wiring)
    wiring.measure({"BillDifferences": whole.differences})
    wiring.measure({"BillFee": whole.trade.fee // 1000}, "None")  # fen
    try:
        done = wiring.bills.conclude(day.bill_date, run, status, numbers, now=now)
    except RefusedUpdate:
        logger.info("the day is another run's by now", extra={"bill_date": day.bill_date, "run": run})
        return
    logger.info(
        "a day was compared",
        extra={
            "bill_date": day.bill_date,
            "run": run,
            "status": status.value,
            "differences": whole.differences,
            "repaired": whole.repaired,
        },
    )
    tidy_up(done, wiring)


def tidy_up(day: BillDay, wiring: Wiring) -> None:
    """What follows from a day's result, and may be done twice: see `settle_neighbours`; and nothing is left of earlier runs."""
    settle_neighbours(day, wiring)
    left = wiring.results.of_others(day.bill_date, day.run or "")
    now = wiring.bills.day(day.bill_date) if left else None
    if now is not None and now.run == day.run:  # so none of those is of a run that has begun since
        wiring.results.forget(day.bill_date, left)


def settle_neighbours(day: BillDay, wiring: Wiring) -> None:
    """Decide what this day and those beside it await of each other, as far as both are done. Raises StorageUnavailableError."""
    beside = wiring.bills.days([shifted(day.bill_date, -1), shifted(day.bill_date, 1)])
    for other in beside.values():
        if other.status.is_done and day.status.is_done:
            ours, theirs = _other_days(day, wiring), _other_days(other, wiring)
            _decide(day, ours, other, theirs, wiring)
            _decide(other, theirs, day, ours, wiring)


def _other_days(day: BillDay, wiring: Wiring) -> list[Listed]:
    if day.run is None:
        return []
    listed = wiring.results.differences(day.bill_date, day.run)
    return [each for each in listed if each.difference.kind is DifferenceKind.OTHER_DAY]


def _decide(day: BillDay, rows: list[Listed], other: BillDay, others: list[Listed], wiring: Wiring) -> None:
    there: dict[str, list[Difference]] = {}
    for each in others:
        there.setdefault(each.difference.about, []).append(each.difference)
    decided: list[tuple[Listed, Difference]] = []
    for listed in rows:
        difference = listed.difference
        if difference.awaits == other.bill_date:
            has_it = any(map(difference.is_made_good_by, there.get(difference.about, ())))
            kind = difference.kind if has_it else difference.becomes or difference.kind
            decided.append((listed, replace(difference, kind=kind, awaits=None, becomes=None)))
    _tell_of_worse(day, other, [difference for _, difference in decided], wiring)
    for listed, difference in decided:
        wiring.results.replace(day.bill_date, listed, difference)


def _tell_of_worse(day: BillDay, other: BillDay, decided: list[Difference], wiring: Wiring) -> None:
    """The day's event had told of clocks that disagree at midnight: what is more than that is told, before it is written down."""
    worse = Counter(
        each.kind for each in decided if each.kind is not DifferenceKind.OTHER_DAY and not each.repaired
    )
    if not worse:
        return
    numbers = Counter(day.results)
    numbers[f"kind:{DifferenceKind.OTHER_DAY}"] -= worse.total()
    numbers.update({f"kind:{kind}": count for kind, count in worse.items()})
    told = {name: count for name, count in numbers.items() if count or not name.startswith("kind:")}
    now, bus = int(wiring.now()), wiring.settings.event_bus
    _put_event(bill_entry(day, day.status, told, now=now, bus=bus, after=other.bill_date), wiring)


def _sums(day: BillDay, whole: PartResult, wiring: Wiring) -> list[Difference]:
    found: list[Difference] = []
    if day.trade is not None and day.trade.sha1:
        found += trade_sums_differences(whole.trade, wiring.bill_files.trade_sums(day.bill_date))
    if day.fund is not None and day.fund.sha1:
        found += fund_sums_differences(whole.fund, wiring.bill_files.fund_sums(day.bill_date))
    return found


def _status(whole: PartResult) -> DayStatus:
    if whole.differences:
        return DayStatus.DIFFERS
    nothing = not (whole.trade.rows or whole.fund.rows or whole.ours.orders or whole.ours.refunds)
    return DayStatus.EMPTY if nothing else DayStatus.BALANCED


def _put_event(entry: dict[str, Any], wiring: Wiring) -> None:
    try:
        answer = wiring.events.put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as problem:
        raise StorageUnavailableError(type(problem).__name__) from problem
    if answer.get("FailedEntryCount"):
        raise StorageUnavailableError("PutEvents")
