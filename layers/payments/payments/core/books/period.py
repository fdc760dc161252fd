"""Days, as lists and exports are asked for: Beijing's, from one to another, both of them included."""

import re
from dataclasses import dataclass
from datetime import date

from payments.core.times import beijing, beijing_midnight

_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_FIRST_OF_ALL = date(1970, 1, 1)


def day_number(text: str) -> int:
    """The number (`times.beijing_day`) of a day of this century that is written `2026-11-28`. Raises ValueError for anything else."""
    if not _DAY.fullmatch(text):
        raise ValueError("a day is written like 2026-11-28")
    return (date.fromisoformat(text) - _FIRST_OF_ALL).days


def day_name(day: int) -> str:
    """How the day of this number is written, `2026-11-28`."""
    return beijing(beijing_midnight(day))[:10]


@dataclass(frozen=True)
class Period:
    """From the first day to the last, by their numbers (`times.beijing_day`)."""

    first: int
    last: int

    @property
    def days(self) -> range:
        """The days, the oldest first."""
        return range(self.first, self.last + 1)

    @property
    def begins_at(self) -> int:
        """Its first moment, in epoch seconds."""
        return beijing_midnight(self.first)

    @property
    def ends_before(self) -> int:
        """The first moment that is not in it any more, in epoch seconds."""
        return beijing_midnight(self.last + 1)
