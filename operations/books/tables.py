"""What a command prints of books: columns side by side, and differences between a bill and our records."""

from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from payments.core.books.differences import Difference


def table(rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()) -> list[str]:
    """Lines of these rows in columns; those of `right` end below each other. Nothing stands after the last value of a line."""
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(_padded(row, widths, right)).rstrip() for row in texts]


def differences(found: Iterable[Difference]) -> list[str]:
    """A line for each, those that stand before those that were repaired."""
    rows = [
        (
            each.kind.value,
            each.out_trade_no or each.wechat_number,
            each.out_refund_no,
            "" if each.line is None else f"line {each.line}",
            *_said(each),
            _note(each),
        )
        for each in sorted(found, key=lambda each: (each.repaired, each.kind.value, each.key))
    ]
    return table(rows) if rows else []


def _said(difference: Difference) -> tuple[str, str]:
    """What either side says. Between two bills, or a bill and its own sums, none of our records has a say."""
    if difference.about.startswith(("fund#", "sum#")):
        return f"bills: {difference.bill}", ""
    return f"bill: {difference.bill or 'nothing'}", f"ours: {difference.ours or 'nothing'}"


def _note(difference: Difference) -> str:
    if difference.repaired:
        return "repaired"
    return f"the bill of {difference.awaits} may have it" if difference.awaits else ""


def _padded(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> Iterable[str]:
    for place, (value, width) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (width - _width(value))
        yield blanks + value if place in right else value + blanks


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
