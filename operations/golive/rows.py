"""A row of the go-live report: what is demanded, what proves it, and what the checks make of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError

from operations.checks.access import sentence
from operations.checks.findings import Finding, Findings, Level, fault, unchecked
from operations.configuration import Configuration
from operations.stack import CannotError, Stack

PRODUCTS = ("native", "jsapi", "mini", "h5", "app")


class NotDeployedError(Exception):
    """It is about a file, and only a deployed stack can show it."""


class Mark(Enum):
    """What a row came to."""

    PROVEN = "✓"
    MISSING = "✗"
    OPEN = "○"  # nobody could tell from here
    UNUSED = "–"


@dataclass(frozen=True)
class Target:
    """What the report is about: a `.env` file, or a deployed stack. Echoes are waited for `wait` seconds."""

    configuration: Configuration
    stack: Stack | None
    products: frozenset[str]
    wait: float
    said: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def deployed(self) -> Stack:
        """The stack. Raises NotDeployedError for a file."""
        if self.stack is None:
            raise NotDeployedError
        return self.stack

    def once(self, name: str, check: Callable[[], Findings]) -> list[Finding]:
        """What this check finds, asked once however many rows have it."""
        if name not in self.said:
            self.said[name] = list(check())
        return self.said[name]


Check = Callable[[Target], Findings]


@dataclass(frozen=True)
class Row:
    """One demand. `tests` prove it of this version, `live` of what is there now; `product` is the only one that it is about."""

    demand: str
    tests: tuple[str, ...] = ()
    live: Check | None = None
    product: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a row came to, in sentences; `todo` says what to do where something is."""

    row: Row
    mark: Mark
    found: tuple[Finding, ...] = ()


def judged(row: Row, target: Target) -> Verdict:
    """A fault or a warning is missing; what cannot be told from here leaves the row open."""
    if row.product and row.product not in target.products:
        return Verdict(row, Mark.UNUSED)
    if row.live is None:
        return Verdict(row, Mark.PROVEN)
    try:
        found = tuple(row.live(target))
    except NotDeployedError:
        later = "only a deployed stack can show it"
        found = (unchecked(later, "make deploy, make secret, then make golive ENV=…"),)
    except CannotError as problem:
        found = (fault(str(problem), "deploy this version"),)
    except (BotoCoreError, ClientError) as problem:
        found = (unchecked(sentence(problem), "look as somebody who may"),)
    found = found or (unchecked("not tried", "mend what the other rows say"),)
    levels = {finding.level for finding in found}
    if levels & {Level.FAULT, Level.WARNING}:
        return Verdict(row, Mark.MISSING, found)
    open_ = levels & {Level.UNCHECKED, Level.UNPROVEN}
    return Verdict(row, Mark.OPEN if open_ else Mark.PROVEN, found)
