"""What the runs of a day have found, in the table of days: a row for each part that is done, and for each difference.

A row's name holds run, stage, part and, of a difference, what it is about: a part that is worked on twice writes the same rows.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from pynamodb.attributes import UnicodeAttribute

from payments.core.books.differences import Difference
from payments.core.books.results import PartResult
from payments.storage.items import RawItem, conditional_write, read
from payments.storage.sdk.table import Table
from payments.storage.tables import TableSettings


class ResultItem(Table):
    """One row, told as JSON text; what is read is kept as it came, in `raw`."""

    raw: RawItem

    class Meta(TableSettings):
        table_name = "bills"  # the store sets the real name

    bill_date = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    told = UnicodeAttribute()

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> "ResultItem":
        """An item in DynamoDB's own JSON."""
        item = cls(_user_instantiated=False)
        item.raw = data
        return item


R = ResultItem


@dataclass(frozen=True)
class Part:
    """One part of one run's stage, from 0."""

    bill_date: str
    run: str
    stage: str
    number: int

    @property
    def name(self) -> str:
        """As rows and work objects have it."""
        return f"{self.run}#{self.stage}#{self.number:06}"


@dataclass(frozen=True)
class Listed:
    """A difference as it is kept, and under which name."""

    name: str
    difference: Difference


@dataclass(frozen=True)
class DifferencePage:
    """Some differences; `after` is where the next page begins, None behind the last."""

    rows: tuple[Listed, ...]
    after: str | None


class ResultStore:
    """One stack's results. Every method raises StorageUnavailableError when nobody can tell what became of it."""

    def __init__(self, *, bills_table: str) -> None:
        R.Meta.table_name = bills_table

    def finish(self, part: Part, result: PartResult) -> None:
        """Note that a part is done, and what it has found."""
        row = R(part.bill_date, f"part#{part.name}", told=_text(result))
        conditional_write(row.save)

    def is_finished(self, part: Part) -> bool:
        """Whether a part is done, as of now."""
        found = R.query(part.bill_date, R.part == f"part#{part.name}", consistent_read=True, limit=1)
        return read(lambda: next(iter(found), None)) is not None

    def count_finished(self, bill_date: str, run: str, stage: str) -> int:
        """How many parts of a stage are done, as of now."""
        rows = R.part.startswith(f"part#{run}#{stage}#")
        return read(lambda: R.count(bill_date, rows, consistent_read=True))

    def finished(self, bill_date: str, run: str, stage: str = "") -> Iterator[PartResult]:
        """What the parts of a stage, or of all, have found; in the order of their numbers."""
        prefix = f"part#{run}#{stage}#" if stage else f"part#{run}#"
        for item in _rows(bill_date, prefix):
            yield msgspec.json.decode(item["told"]["S"], type=PartResult)

    def list_differences(self, part: Part, differences: Iterable[Difference]) -> None:
        """Keep differences of a part, each over what was kept of it before."""
        for each in differences:
            conditional_write(R(part.bill_date, f"diff#{part.name}#{each.key}", told=_text(each)).save)

    def differences_of(self, part: Part) -> tuple[Difference, ...]:
        """What is kept of a part's differences, as of now."""
        return tuple(each.difference for each in _listed(part.bill_date, f"diff#{part.name}#"))

    def differences(self, bill_date: str, run: str) -> Iterator[Listed]:
        """All differences of a run that are kept, as of now, page by page."""
        return _listed(bill_date, f"diff#{run}#")

    def page(self, bill_date: str, run: str, *, after: str | None, limit: int) -> DifferencePage:
        """At most `limit` differences of a run behind the name `after`."""
        prefix = f"diff#{run}#"
        start = None if after is None else {"bill_date": {"S": bill_date}, "part": {"S": prefix + after}}

        def run_query() -> DifferencePage:
            found = R.query(
                bill_date,
                R.part.startswith(prefix),
                consistent_read=True,
                last_evaluated_key=start,
                limit=limit,
            )
            rows = tuple(_one(item.raw) for item in found)
            more = found.last_evaluated_key
            return DifferencePage(rows, None if more is None else more["part"]["S"].removeprefix(prefix))

        return read(run_query)

    def replace(self, bill_date: str, listed: Listed, difference: Difference) -> None:
        """Keep `difference` in place of one that has been kept. Under both names for a moment, never under none."""
        name = listed.name.removesuffix(listed.difference.key) + difference.key
        conditional_write(R(bill_date, name, told=_text(difference)).save)
        if name != listed.name:
            self.forget(bill_date, [listed.name])

    def of_others(self, bill_date: str, run: str) -> list[str]:
        """The names of what other runs of the day have left."""
        return [
            name
            for kind in ("part", "diff")
            for item in _rows(bill_date, f"{kind}#")
            if not (name := item["part"]["S"]).startswith(f"{kind}#{run}#")
        ]

    def forget(self, bill_date: str, names: Collection[str]) -> None:
        """Delete these rows."""
        for name in names:
            conditional_write(R(bill_date, name).delete)


def _listed(bill_date: str, prefix: str) -> Iterator[Listed]:
    return map(_one, _rows(bill_date, prefix))


def _one(raw: RawItem) -> Listed:
    return Listed(raw["part"]["S"], msgspec.json.decode(raw["told"]["S"], type=Difference))


def _rows(bill_date: str, prefix: str) -> Iterator[RawItem]:
    rows = R.query(bill_date, R.part.startswith(prefix), consistent_read=True)
    while (item := read(lambda: next(rows, None))) is not None:
        yield item.raw


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
