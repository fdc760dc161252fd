"""The sandbox's one clock: real time plus an offset that only grows, also seen by the function processes."""

import math
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

MAX_AHEAD_SECONDS = 100 * 365 * 86400
"""Seconds that the clock may stand ahead: within what nanoseconds in 64 bits, and every date type, can hold."""


class Clock:
    """Time for simulator, token expiry, deadlines, schedules and functions alike.

    With a `file`, every offset is mirrored there as nanoseconds (8 bytes, little endian, signed): function
    processes map that file and shift their own time by it (`sandbox/functions/clock_shift/sitecustomize.py`).
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._offset = 0.0
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        if file is not None:
            file.write_bytes(bytes(8))

    def time(self) -> float:
        """Seconds since the epoch, shifted."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move everybody's time forward. Raises ValueError for what is negative, not finite or too far."""
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError("advance must be a finite number of seconds, zero or more")
        with self._lock:
            offset = self._offset + seconds
            if offset > MAX_AHEAD_SECONDS:
                raise ValueError(f"advance must leave the clock at most {MAX_AHEAD_SECONDS} seconds ahead")
            if self.file is not None:
                # In place, one write of eight bytes: a process that maps the file sees the old value or the new one.
                with self.file.open("r+b", buffering=0) as mirror:
                    mirror.write(struct.pack("<q", round(offset * 1e9)))
            self._offset = offset
        for call in self._listeners:
            call()

    def on_advance(self, call: Callable[[], None]) -> None:
        """Have this called after every advance, by whoever advances: for those who wait for a moment to come."""
        self._listeners.append(call)
