"""Time as the simulator sees it: seconds since the epoch, and the Beijing wall time that WeChat Pay prints."""

from datetime import datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8))


class Timepiece(Protocol):
    """What the simulator asks of a clock. `sandbox.clock.Clock` is one; whoever runs it may hand in another."""

    def time(self) -> float:
        """Seconds since the epoch, UTC."""

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for a step that it will not take."""


def rfc3339(seconds: float) -> str:
    """Beijing time without a fraction, `2018-06-08T10:34:56+08:00` (WeChat Pay APIv3, Basic rules: time format)."""
    return datetime.fromtimestamp(int(seconds), tz=BEIJING).isoformat()


def beijing_day(seconds: float) -> str:
    """The Beijing calendar day as eight digits: it is part of WeChat Pay's own numbers."""
    return datetime.fromtimestamp(seconds, tz=BEIJING).strftime("%Y%m%d")


def beijing_second(seconds: float) -> str:
    """The Beijing day and time of day as fourteen digits: a prepay_id begins with them."""
    return datetime.fromtimestamp(seconds, tz=BEIJING).strftime("%Y%m%d%H%M%S")
