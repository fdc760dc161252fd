"""The figures as tables that a person reads."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.bench.figures import Figures, ratio
from tests.bench.goals import PRODUCT, Judged, judged
from tests.kit.parameters import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "pictures" / "performance.png"
_KEPT = re.compile(r"(<!-- make bench KEEP=1 -->\n).*?(<!-- end -->)", re.DOTALL)

# Title, measure, digits behind the point.
TABLES = (
    ("warm CPU of a call, ms", "warm", 2),
    ("cold start, ms", "cold", 0),
    ("CPU of a cold start, ms", "cold_cpu", 0),
    ("CPU of the first call after init, ms", "first", 1),
    ("CPU of init, ms", "init", 0),
    ("CPU of a new TLS connection, ms", "connection", 1),
    ("peak memory at the first answer, MiB", "peak", 0),
    ("peak memory after all calls, MiB", "warm_peak", 0),
    ("AWS round trips of a call", "aws", 0),
    ("WeChat Pay round trips of a call", "wechat", 0),
    ("TLS connections of a first call", "first_connections", 0),
)


def tables(figures: Figures) -> Iterator[str]:
    """One table a measure that was taken: a column a variant, then the product beside each of the others."""
    names = list(next(iter(figures.values())))
    others = [name for name in names if name != PRODUCT and PRODUCT in names]
    for title, measure, digits in TABLES:
        if not any(measure in one for variants in figures.values() for one in variants.values()):
            continue
        head = [title, *names, *(f"{PRODUCT}/{name}" for name in others)]
        rows = []
        for endpoint, variants in figures.items():
            cells = [_number(variants[name].get(measure), digits) for name in names]
            ratios = [_number(ratio(variants, measure, PRODUCT, name), 2) for name in others]
            rows.append([endpoint, *cells, *ratios])
        yield table([head, *rows])


def verdicts(judged: Iterable[Judged]) -> str:
    """One table of all goals: a row a goal, a column an endpoint, each cell what is and what may be at most."""
    goals: dict[str, dict[str, Judged]] = {}
    endpoints: dict[str, None] = {}
    for one in judged:
        goals.setdefault(f"{one.goal.title}{one.goal.unit and ', ' + one.goal.unit}", {})[one.endpoint] = one
        endpoints[one.endpoint] = None
    rows = [
        [title, *(_verdict(found.get(endpoint)) for endpoint in endpoints)] for title, found in goals.items()
    ]
    return table([["goal", *endpoints], *rows])


def publish(figures: Figures, machine: str, document: Path = DOCUMENT) -> None:
    """Write all tables into the document, between its two marks. Raises ValueError where they are not there."""
    parts = [f"On: {machine}.", *tables(figures), verdicts(judged(figures))]
    text = "\n\n".join(parts)
    kept, marks = _KEPT.subn(
        lambda found: f"{found[1]}\n{text}\n\n{found[2]}", document.read_text(encoding="utf-8")
    )
    if marks != 1:
        raise ValueError(f"{document} has not one place for the tables, but {marks}")
    document.write_text(kept, encoding="utf-8")


def _verdict(one: Judged | None) -> str:
    if one is None:
        return ""
    return f"{one.value:.2f} ≤ {one.limit:g} ok" if one.ok else f"{one.value:.2f} > {one.limit:g} MISS"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for place, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("| " + " | ".join(cells) + " |")
        if place == 0:
            rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
            lines.append("| " + " | ".join(rules) + " |")
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
