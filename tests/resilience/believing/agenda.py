"""Virtual time: what is to be done when, in one order for all."""

import heapq
import itertools
from collections.abc import Callable


class Agenda:
    """A clock that moves only forward, and what waits for it. `start` in epoch seconds."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._arriving: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Have this done at a moment when no function is in the middle of something."""
        heapq.heappush(self._waiting, (moment, next(self._order), what))

    def arrives(self, moment: float, what: Callable[[], None]) -> None:
        """A request that is under way: it arrives at its moment, even while a function waits."""
        heapq.heappush(self._arriving, (moment, next(self._order), what))

    def wait(self, seconds: float) -> None:
        """A function waits; what is under way arrives meanwhile."""
        end = self._now + seconds
        while self._arriving and self._arriving[0][0] <= end:
            moment, _, what = heapq.heappop(self._arriving)
            self._now = max(self._now, moment)
            what()
        self._now = max(self._now, end)

    @property
    def next(self) -> float | None:
        """When something is to be done next."""
        moments = [queue[0][0] for queue in (self._waiting, self._arriving) if queue]
        return max(min(moments), self._now) if moments else None

    def reach(self, moment: float) -> None:
        """Move to a moment at which nothing earlier waits, and do what waits for it."""
        self._now = max(self._now, moment)
        while self._arriving and self._arriving[0][0] <= self._now:
            heapq.heappop(self._arriving)[2]()
        if self._waiting and self._waiting[0][0] <= self._now:
            heapq.heappop(self._waiting)[2]()
