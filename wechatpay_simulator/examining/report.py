"""What came of an exam: a line for each row as it ends, a summary, and the same as a table in Markdown."""

import time
from dataclasses import dataclass

from wechatpay_simulator.examining.row import Mark, Outcome

_WIDTH = 17  # of the longest name


@dataclass(frozen=True)
class Result:
    """One row that has ended; `seconds` is how long it took. Without an outcome the exam was broken off before or in it."""

    name: str
    what: str
    outcome: Outcome | None = None
    seconds: float = 0.0

    def line(self) -> str:
        """For the terminal."""
        if self.outcome is None:
            return f"  {self.name:{_WIDTH}} {self.what}: not examined"
        return f"{self.outcome.mark.value} {self.name:{_WIDTH}} {self.what}: {self.outcome.sentence}"


class Report:
    """Of these rows, in this order, whichever order they end in."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self.began = time.time()
        self.broken_off = ""
        """Why it did not come to its end, as a sentence; nothing when it did."""
        self._results = {name: Result(name, what) for name, what in rows}

    def add(self, name: str, outcome: Outcome, seconds: float) -> Result:
        """A row has ended."""
        self._results[name] = result = Result(name, self._results[name].what, outcome, seconds)
        return result

    def results(self) -> list[Result]:
        """All rows, those that were not come to as well."""
        return list(self._results.values())

    def count(self, mark: Mark | None) -> int:
        """How many rows ended so; None: how many did not end."""
        return sum(
            (None if result.outcome is None else result.outcome.mark) == mark for result in self.results()
        )

    def summary(self) -> str:
        """One line: the counts, and which rows failed."""
        counts = [f"{self.count(mark)} {mark.value}" for mark in Mark]
        if self.count(None):
            counts.append(f"{self.count(None)} not examined")
        wrong = [
            result.name
            for result in self.results()
            if result.outcome is not None and result.outcome.mark is Mark.FAILED
        ]
        return f"{len(self._results)} rows: {', '.join(counts)}" + (f" ({', '.join(wrong)})" if wrong else "")

    def markdown(self) -> str:
        """A table, and the summary below it."""
        lines = ["| | row | what was tried | what came of it |", "|---|---|---|---|"]
        for result in self.results():
            mark, sentence = (
                ("", "not examined")
                if result.outcome is None
                else (result.outcome.mark.value, result.outcome.sentence)
            )
            lines.append(f"| {mark} | `{result.name}` | {_cell(result.what)} | {_cell(sentence)} |")
        end = f"\n\nBroken off: {_cell(self.broken_off)}." if self.broken_off else ""
        return "\n".join(lines) + f"\n\n{self.summary()}{end}\n"


def _cell(text: str) -> str:
    """Text that neither ends a cell of a table nor is taken for markup: part of it is what a command has printed."""
    plain = " ".join(text.split())
    for mark in "\\|<>`*_[]":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
