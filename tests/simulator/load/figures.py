"""What was measured, beside what it should be."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure; without either bound it is only told."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it is beyond its bound."""
        return (self.at_least is not None and self.value < self.at_least) or (
            self.at_most is not None and self.value > self.at_most
        )

    def line(self) -> str:
        """A line of the table."""
        goal = ""
        if self.at_least is not None:
            goal = f"≥ {self.at_least:g} {self.unit}"
        elif self.at_most is not None:
            goal = f"≤ {self.at_most:g} {self.unit}"
        verdict = ("MISS" if self.missed else "ok") if goal else ""
        shown = f"{self.value:.0f}" if self.value >= 100 else f"{self.value:.2f}"
        return f"{self.name:<32} {shown:>8} {self.unit:<3} {goal:<12} {verdict}".rstrip()


def told(figures: Sequence[Figure]) -> int:
    """Print them; the exit status: 1 where a goal is missed."""
    for figure in figures:
        print(figure.line())
    goals = [each for each in figures if each.at_least is not None or each.at_most is not None]
    missed = sum(each.missed for each in goals)
    print(f"bench-simulator: {len(goals) - missed} of {len(goals)} goals are reached")
    return 1 if missed else 0
