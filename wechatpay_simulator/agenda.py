"""What is to be done later, along a clock that anybody may advance."""

import heapq
import itertools
import threading
from collections.abc import Callable, Container

from wechatpay_simulator.clock import Timepiece

_TICK = 0.02  # seconds of real time between two looks at the clock


class Agenda:
    """Does each thing once, when its time has come, in a thread of its own that starts with the first entry."""

    def __init__(self, clock: Timepiece, *, name: str) -> None:
        self._clock = clock
        self._name = name
        self._condition = threading.Condition()
        self._entries: list[tuple[float, int, Callable[[], None], str]] = []  # due, tie-breaker, what, of
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def put(self, due: float, what: Callable[[], None], *, of: str) -> None:
        """Do `what`, which is quick, at `due` seconds since the epoch. Nothing is taken after stop(). See `keep` for `of`."""
        with self._condition:
            if self._stopped:
                return
            heapq.heappush(self._entries, (due, next(self._order), what, of))
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name=self._name, daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def wake(self) -> None:
        """Look at the clock now: it was advanced."""
        with self._condition:
            self._condition.notify_all()

    def keep(self, names: Container[str]) -> None:
        """Forget what was put in of anything that is not among these."""
        with self._condition:
            self._entries = [entry for entry in self._entries if entry[3] in names]
            heapq.heapify(self._entries)

    def stop(self) -> None:
        """Forget what still waits."""
        with self._condition:
            self._stopped = True
            self._entries.clear()
            self._condition.notify_all()

    def _keep(self) -> None:
        while True:
            with self._condition:
                if self._stopped:
                    return
                now = self._clock.time()
                due = []
                while self._entries and self._entries[0][0] <= now:
                    due.append(heapq.heappop(self._entries)[2])
                if not due:
                    self._condition.wait(_TICK if self._entries else None)
            for what in due:
                what()
