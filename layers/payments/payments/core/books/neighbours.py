"""Midnight: which day a moment belongs to in Beijing, and which other day's bill may have what happened close to it."""

from datetime import date, datetime, timedelta, timezone

CLOSE_SECONDS = 60  # of midnight: WeChat Pay's own clocks may disagree by so much

_BEIJING = timezone(timedelta(hours=8))
_DAY_SECONDS = 86400


def is_of(day: str, at: str | None) -> bool:
    """Whether a moment is of this Beijing day, as far as it says: what is no moment contradicts no day."""
    moment = _moment(at)
    return moment is None or moment.date().isoformat() == day


def neighbour_of(at: str | None) -> str | None:
    """The day beside that of `at` whose midnight is less than a minute away; None in between, and for what is no moment.

    `at` is RFC 3339, or a bill's `2026-11-28 09:30:00`, which is Beijing's.
    """
    moment = _moment(at)
    if moment is None:
        return None
    second = moment.hour * 3600 + moment.minute * 60 + moment.second
    if second < CLOSE_SECONDS:
        return shifted(moment.date().isoformat(), -1)
    return shifted(moment.date().isoformat(), 1) if second >= _DAY_SECONDS - CLOSE_SECONDS else None


def shifted(day: str, days: int) -> str:
    """The day so many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _moment(at: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=_BEIJING) if moment.tzinfo is None else moment.astimezone(_BEIJING)
