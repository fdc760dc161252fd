"""How many times the floor's processor time the product took when it was last measured in full, and whether it takes more now."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import Figures, ratio
from tests.bench.goals import PRODUCT

COMMITTED = Path(__file__).with_name("ratios.json")
FLOOR = "floor"
# By how much of itself a ratio may have grown without anything having changed. On a quiet machine a ratio of the short form was an
# eighth off the committed one at the most, on one with ten other programs at work a fifth; what is over the limit is measured
# once more. Processor time alone: seconds on the wall are a busy machine's.
TOLERANCE = {"warm": 0.3, "cold_cpu": 0.2}
WORDS = {"warm": "warm CPU of a call", "cold_cpu": "CPU of a cold start"}


@dataclass(frozen=True)
class Compared:
    """One ratio, now and as it was committed."""

    endpoint: str
    measure: str
    now: float
    before: float

    @property
    def limit(self) -> float:
        """What it may grow to by noise."""
        return self.before * (1 + TOLERANCE[self.measure])

    @property
    def ok(self) -> bool:
        """Whether it has not fallen behind."""
        return self.now <= self.limit

    @property
    def row(self) -> list[str]:
        """For a table."""
        figures = [f"{value:.2f}" for value in (self.now, self.before, self.limit)]
        return [f"{self.endpoint}, {WORDS[self.measure]} / floor", *figures, "ok" if self.ok else "MISS"]


HEAD = ["ratio", "is", "was", "at most", ""]


def ratios(figures: Figures) -> dict[str, dict[str, float]]:
    """Of what was measured: measure → endpoint → product / floor."""
    found: dict[str, dict[str, float]] = {}
    for measure in TOLERANCE:
        for endpoint, variants in figures.items():
            value = ratio(variants, measure, PRODUCT, FLOOR)
            if value is not None:
                found.setdefault(measure, {})[endpoint] = round(value, 3)
    return found


def compared(figures: Figures, committed: dict[str, dict[str, float]]) -> Iterator[Compared]:
    """Each ratio that was measured now and then."""
    for measure, now in ratios(figures).items():
        for endpoint, value in now.items():
            if endpoint in committed.get(measure, {}):
                yield Compared(endpoint, measure, value, committed[measure][endpoint])


def behind(figures: Figures, committed: dict[str, dict[str, float]]) -> tuple[str, ...]:
    """The endpoints of which a ratio has grown by more than noise, each once."""
    return tuple({one.endpoint: None for one in compared(figures, committed) if not one.ok})


def read(path: Path = COMMITTED) -> dict[str, Any]:
    """What was committed. Raises OSError."""
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


def write(figures: Figures, path: Path = COMMITTED) -> None:
    """Write the ratios down for those to come."""
    path.write_text(json.dumps(ratios(figures), indent=2) + "\n", encoding="utf-8")
