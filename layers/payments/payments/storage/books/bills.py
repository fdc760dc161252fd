"""Where each day's bills stand, in the table `bills`: a run takes a day, and nobody else works on it meanwhile.

A refused write raises RefusedUpdate: another run has the day, or it is done; the caller reads, and decides again. Rows of
the same table under other names (`part#…`, `diff#…`) are a run's own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from pynamodb.attributes import MapAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.core import history
from payments.core.books.bill_day import LEASE_SECONDS, BillDay, DayStatus, KeptBill
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.storage.items import RawItem, read, write
from payments.storage.sdk.table import RawTable
from payments.storage.tables import IntAttribute, TableSettings

DAY = "day"
FETCH = "fetch"
"""A run's first stage."""
MAX_DAYS = 100  # days that one call reads


class BillDayItem(RawTable):
    """One item per day."""

    class Meta(TableSettings):
        table_name = "bills"  # the store sets the real name

    bill_date = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    run = UnicodeAttribute(null=True)
    stage = UnicodeAttribute(null=True)
    leased_until = IntAttribute(null=True)
    attempts = IntAttribute()
    reason = UnicodeAttribute(null=True)
    trade: MapAttribute[Any, Any] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb leaves it untyped
    fund: MapAttribute[Any, Any] = MapAttribute(null=True)  # type: ignore[no-untyped-call]
    results: MapAttribute[Any, Any] = MapAttribute(null=True)  # type: ignore[no-untyped-call]
    updated_at = IntAttribute()


D = BillDayItem


class BillStore:
    """One stack's days. `bill_date` is a Beijing day, `2026-11-28`; all times are epoch seconds.

    Every call raises StorageUnavailableError when nobody can tell what became of it.
    """

    def __init__(self, *, bills_table: str) -> None:
        D.Meta.table_name = bills_table

    def day(self, bill_date: str) -> BillDay | None:
        """The day as of now (a consistent read), or None when nobody has looked at it."""
        try:
            return _day_of(read(lambda: D.get(bill_date, DAY, consistent_read=True)).raw)
        except DoesNotExist:
            return None

    def days(self, bill_dates: Collection[str]) -> dict[str, BillDay]:
        """Those of these days, at most a hundred, that somebody has looked at, by their dates (one consistent read)."""
        keys: list[Any] = [{"bill_date": each, "part": DAY} for each in bill_dates]
        answer = read(lambda: D._get_connection().batch_get_item(keys, consistent_read=True))
        if answer.get("UnprocessedKeys"):  # what was left out must not look as if it were not there
            raise StorageUnavailableError("UnprocessedKeys")
        found = map(_day_of, answer["Responses"].get(D.Meta.table_name, ()))
        return {day.bill_date: day for day in found}

    def claim(self, bill_date: str, run: str, *, now: int) -> BillDay:
        """Take the day for this run, at its first stage and with nothing left of an earlier one.

        The same run may take it again as long as it is at that stage: its function died. RefusedUpdate while another run has it,
        and when it is done.
        """
        waiting = D.status.is_in(DayStatus.PENDING.value, DayStatus.FAILED.value)
        running = D.status == DayStatus.RUNNING.value
        mine = (D.run == run) & (D.stage == FETCH)
        actions = [
            D.status.set(DayStatus.RUNNING.value),
            D.run.set(run),
            D.stage.set(FETCH),
            D.leased_until.set(now + LEASE_SECONDS),
            D.attempts.set((D.attempts | 0) + 1),
            *(each.remove() for each in (D.reason, D.trade, D.fund, D.results)),
        ]
        free = D.status.does_not_exist() | waiting | (running & (mine | (D.leased_until < now)))
        return _update(bill_date, actions, free, now=now)

    def renew(self, bill_date: str, run: str, *, now: int) -> BillDay:
        """This run goes on. RefusedUpdate when it does not have the day any more."""
        return _update(bill_date, [D.leased_until.set(now + LEASE_SECONDS)], _has(run), now=now)

    def keep_bill(self, bill_date: str, run: str, bills: Mapping[str, KeptBill], *, now: int) -> BillDay:
        """What was fetched, by `trade` and `fund`; the run goes on. RefusedUpdate when it does not have the day any more."""
        actions = [getattr(D, kind).set(dict(vars(bill))) for kind, bill in bills.items()]
        return _update(bill_date, [*actions, D.leased_until.set(now + LEASE_SECONDS)], _has(run), now=now)

    def advance(self, bill_date: str, run: str, *, seen: str, stage: str, now: int) -> BillDay:
        """From the stage that was seen to the next. RefusedUpdate when somebody has done that, or the run has lost the day."""
        actions = [D.stage.set(stage), D.leased_until.set(now + LEASE_SECONDS)]
        return _update(bill_date, actions, _has(run) & (D.stage == seen), now=now)

    def put_off(self, bill_date: str, run: str, status: DayStatus, reason: str, *, now: int) -> BillDay:
        """End the run without a result: PENDING or FAILED, and why. RefusedUpdate when it does not have the day any more."""
        actions = [D.status.set(status.value), D.reason.set(reason), D.leased_until.remove()]
        return _update(bill_date, actions, _has(run), now=now)

    def conclude(
        self, bill_date: str, run: str, status: DayStatus, results: Mapping[str, int], *, now: int
    ) -> BillDay:
        """End the run: EMPTY, BALANCED or DIFFERS, and its numbers. RefusedUpdate when it does not have the day any more."""
        actions = [D.status.set(status.value), D.results.set(dict(results)), D.leased_until.remove()]
        return _update(bill_date, actions, _has(run), now=now)

    def reopen(self, bill_date: str, *, now: int) -> BillDay:
        """Somebody wants the day compared again, done or not. RefusedUpdate while a run has it."""
        free = (D.status != DayStatus.RUNNING.value) | (D.leased_until < now)
        waiting = D.status.set(DayStatus.PENDING.value)
        actions = [waiting, D.attempts.set(D.attempts | 0), D.reason.remove()]  # why it failed then
        return _update(bill_date, actions, D.status.does_not_exist() | free, now=now)


def _has(run: str) -> Any:
    return (D.status == DayStatus.RUNNING.value) & (D.run == run)


def _update(bill_date: str, actions: Sequence[Any], condition: Any, *, now: int) -> BillDay:
    given = {
        "range_key": DAY,
        "actions": [*actions, D.updated_at.set(now)],
        "return_values": "ALL_NEW",
    }
    return _day_of(write("UpdateItem", D, bill_date, condition, _refused, **given)["Attributes"])


def _refused(_: RawItem) -> RefusedUpdate:
    return RefusedUpdate()


def _day_of(raw: RawItem) -> BillDay:
    values = {name: history.plain(raw[name]) for name in _MEMBERS if name in raw}
    for kind in ("trade", "fund"):
        if kind in values:
            values[kind] = KeptBill(**values[kind])
    return BillDay(**{**values, "status": DayStatus(values["status"])})


_MEMBERS = tuple(f.name for f in fields(BillDay))
