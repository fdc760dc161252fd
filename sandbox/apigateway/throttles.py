"""API Gateway's throttling: for each route a bucket of requests that refills at a rate.

Source: API Gateway developer guide, "Throttle requests to your HTTP APIs" (token bucket; 429 Too Many Requests).
"""

import threading
import time
from collections.abc import Callable

from sandbox.deployed import Limits


class Throttles:
    """Buckets of all routes, in real time: a clock that tests advance would refill them."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._now = limits, now
        self._buckets: dict[str, tuple[float, float]] = {}  # requests left, as of when
        self._lock = threading.Lock()

    def take(self, route_key: str) -> bool:
        """Whether one more request may pass."""
        limit = self._limits.of(route_key)
        if limit is None:
            return True
        with self._lock:
            now = self._now()
            left, then = self._buckets.get(route_key, (float(limit.burst), now))
            left = min(float(limit.burst), left + (now - then) * limit.rate)
            passes = left >= 1
            self._buckets[route_key] = (left - passes, now)
        return passes
