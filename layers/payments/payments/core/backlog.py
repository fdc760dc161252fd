"""How many of the due payments one run of the sweep hands out, and whose turn it is: what is not handed out stays due.

A queue may hold what will be looked at before the next run has filled it up again, and no more. A message that waits longer than
its lease is worth nothing, and in a long queue a fresh order waits behind all others.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LEASE_SECONDS = 180  # seconds for the queue and `settle`; what is lost on the way is due again after that
WORK_AHEAD_SECONDS = 90  # seconds of work in a queue: from one run to the end of the next
LOOKS_A_SECOND = 3  # of one place, when all is quick, so that nobody stands idle: at half of that, WORK_AHEAD_SECONDS is still within LEASE_SECONDS
SENDS_A_SECOND = 1  # a question, a refund, and the wait after a refusal


def room(*, at_once: int, a_second: int, waiting: int) -> int:
    """How many payments may join a queue with so many `waiting`, of which each of `at_once` places takes so many `a_second`."""
    return max(0, at_once * a_second * WORK_AHEAD_SECONDS - waiting)


def turns(most: int, classes: Sequence[Sequence[T]]) -> list[Sequence[T]]:
    """The first of each class, `most` in all: each class is sure of its equal share, and one takes what another leaves."""
    share = most // max(len(classes), 1)
    taken = [min(len(each), share) for each in classes]
    for place, each in enumerate(classes):
        taken[place] += min(len(each) - taken[place], most - sum(taken))
    return [each[:count] for each, count in zip(classes, taken, strict=True)]
