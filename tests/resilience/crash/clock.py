"""Time that stands still until somebody moves it: the same run takes the same seconds on every machine."""

import threading


class VirtualClock:
    """Epoch seconds for product, simulator and queues alike."""

    def __init__(self, start: int) -> None:
        self._now: float = start
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("a clock only moves forward")
        with self._lock:
            self._now += seconds
