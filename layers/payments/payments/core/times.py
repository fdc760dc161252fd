"""Epoch seconds as the texts that the API and WeChat Pay use, and Beijing's days."""

import time
from datetime import datetime, timedelta, timezone

_BEIJING = timezone(timedelta(hours=8))


def utc(epoch: int) -> str:
    """ISO 8601 in UTC, `2024-01-01T12:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def beijing(epoch: int) -> str:
    """RFC 3339 with Beijing's offset and no fraction, as WeChat Pay writes it: `2018-06-08T10:34:56+08:00`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(epoch + 8 * 3600))


def beijing_day(epoch: int) -> int:
    """The number of the day that it is in Beijing, counted from 1970-01-01."""
    return (epoch + 8 * 3600) // 86400


def beijing_midnight(day: int) -> int:
    """Epoch seconds at which that day begins in Beijing."""
    return day * 86400 - 8 * 3600


def day_text(epoch: int) -> str:
    """The day that it is in Beijing, `2026-11-28`."""
    return beijing(epoch)[:10]


def day_of(moment: str) -> str:
    """Beijing's day of a moment in RFC 3339, which says its offset. Raises ValueError for anything else."""
    if "T" not in moment or (read := datetime.fromisoformat(moment)).tzinfo is None:
        raise ValueError("a moment in RFC 3339 is needed, with its offset")
    return read.astimezone(_BEIJING).strftime("%Y-%m-%d")
