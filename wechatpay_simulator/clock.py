"""Time as the simulator sees it: seconds since the epoch, and the Beijing wall time that WeChat Pay prints."""

import math
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8))
# Every date stays one that can be printed.
MAX_AHEAD_SECONDS = 100 * 365 * 86400


class Timepiece(Protocol):
    """What the simulator asks of a clock. Whoever runs it may hand in a clock of its own."""

    def time(self) -> float:
        """Seconds since the epoch, UTC."""

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for a step that it will not take."""


class Clock:
    """The machine's time plus an offset that only grows, for a simulator that runs without the sandbox. Threads may share it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since the epoch, UTC."""
        with self._lock:
            return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`. Raises ValueError for a step back, an endless one, or one beyond MAX_AHEAD_SECONDS."""
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError("a clock is advanced by a number of seconds, zero or more")
        with self._lock:
            if self._offset + seconds > MAX_AHEAD_SECONDS:
                raise ValueError(f"a clock is at most {MAX_AHEAD_SECONDS} seconds ahead")
            self._offset += seconds


def rfc3339(seconds: float) -> str:
    """Beijing time without a fraction, `2018-06-08T10:34:56+08:00` (WeChat Pay APIv3, Basic rules: time format)."""
    return datetime.fromtimestamp(int(seconds), tz=BEIJING).isoformat()


def bill_time(seconds: float) -> str:
    """Beijing time as bills print it, `2018-06-08 10:34:56`."""
    return datetime.fromtimestamp(int(seconds), tz=BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def beijing_day(seconds: float) -> str:
    """The Beijing calendar day as eight digits: it is part of WeChat Pay's own numbers."""
    return datetime.fromtimestamp(seconds, tz=BEIJING).strftime("%Y%m%d")


def beijing_second(seconds: float) -> str:
    """The Beijing day and time of day as fourteen digits: a prepay_id begins with them."""
    return datetime.fromtimestamp(seconds, tz=BEIJING).strftime("%Y%m%d%H%M%S")
