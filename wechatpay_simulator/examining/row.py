"""One row of the checklist, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


class Mark(Enum):
    """How a row ended; `OPEN` was not judged, for want of a command."""

    PASSED = "✓"
    FAILED = "✗"
    OPEN = "–"


@dataclass(frozen=True)
class Outcome:
    """The mark, and a sentence that says why: of a failure what to do about it."""

    mark: Mark
    sentence: str


def passed(sentence: str) -> Outcome:
    """It is as it should be."""
    return Outcome(Mark.PASSED, sentence)


def failed(sentence: str) -> Outcome:
    """It is not, and this is why."""
    return Outcome(Mark.FAILED, sentence)


def needs(what: str) -> Outcome:
    """It could not be judged without this."""
    return Outcome(Mark.OPEN, f"needs {what}")


@dataclass(frozen=True)
class Row(Generic[Subject]):
    """`name` is a machine word; `what` is tried, as words before a colon; `needs` are the commands without which it cannot be."""

    name: str
    what: str
    judge: Callable[[Subject], Outcome]
    needs: tuple[str, ...] = ()


class ExamError(Exception):
    """It cannot be examined, or no further; a sentence for whoever started it."""


class CommandError(Exception):
    """One of the examinee's commands did not do what it is for, or not so that it can be gone on from; a row can show the sentence."""
