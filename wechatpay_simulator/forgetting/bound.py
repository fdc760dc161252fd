"""How much is kept of what has ended: the newest so many, and never twice as many, whatever they are."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any


class Bound:
    """Keeps the newest `most`, and what is older while it has not ended; at twice as many the oldest go, ended or not.

    It is looked at when a tenth more has come, not at each one: going through all of them takes its time. Raises ValueError
    for less than one.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("what is kept is one or more")
        self.most = most
        self._step = max(1, most // 10)
        self._next = most + self._step

    def is_due(self, count: int) -> bool:
        """Whether it is time to look, now that there are `count`."""
        return count > self._next

    def beyond(self, names: Sequence[str], has_ended: Callable[[str], bool]) -> list[str]:
        """Which of `names`, the oldest first, are to be forgotten."""
        older = names[: -self.most]
        gone = dict.fromkeys(name for name in older if has_ended(name))
        left = len(names) - len(gone)
        if left > 2 * self.most:
            too_many = left - 2 * self.most + self._step
            gone |= dict.fromkeys([name for name in older if name not in gone][:too_many])
            left -= too_many
        self._next = min(max(left, self.most) + self._step, 2 * self.most)
        return list(gone)


def forget_first(kept: dict[Any, Any], most: int) -> list[Any]:
    """Delete what was put in first, until there are no more than `most`; which keys those were."""
    gone = list(islice(kept, max(0, len(kept) - most)))
    for key in gone:
        del kept[key]
    return gone
