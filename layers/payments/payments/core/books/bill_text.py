"""A bill's text, line by line: its columns by their names, in whatever order, and its values as they are written.

Source: WeChat Pay APIv3, "Trade bill" and "Fund-flow bill": a header, rows, a second header, one row of sums. UTF-8, with or
without a byte order mark; CRLF or LF; nothing is quoted, each value begins with a backtick, and may hold commas and backticks.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

MAX_LINE_BYTES = (
    1 << 16
)  # the longest real ones have about a kilobyte; what has no lines at all must not fill the memory
HUNDRED_THOUSANDTHS = 5  # decimals of a fee

_AMOUNT = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,8}))?")
_COUNT = re.compile(r"([0-9]{1,13})(?:\.0{1,8})?")  # the fund-flow bill counts with a decimal
_BRACKETS = str.maketrans("（）", "()")  # the documents have the wide ones
_BETWEEN = ",`"


class BillKind(StrEnum):
    """Which of a day's two bills."""

    TRADE = "trade"
    FUND = "fund"

    @property
    def words(self) -> str:
        """As a reason names it."""
        return "the trade bill" if self is BillKind.TRADE else "the fund-flow bill"


class BillFormatError(ValueError):
    """A bill that cannot be read: `line` counts from 1, `column` is the name of a column where it is about one."""

    def __init__(self, line: int, issue: str, *, column: str | None = None) -> None:
        where = f"line {line}" + (f", column {column}" if column else "")
        super().__init__(f"{where}: {issue}")
        self.line = line
        self.column = column
        self.issue = issue


class Line(NamedTuple):
    """One line of a bill's text, without its end."""

    number: int
    text: str

    @property
    def is_row(self) -> bool:
        """Whether it holds values, and not the names of columns."""
        return self.text.startswith("`")


def lines(chunks: Iterable[bytes], *, first: int = 1) -> Iterator[Line]:
    """The lines of these pieces of a bill, empty ones left out; `first` is the number of the first. Raises BillFormatError."""
    rest, number = b"", first
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise BillFormatError(number + len(whole), f"is longer than {MAX_LINE_BYTES} bytes")
        for raw in whole:
            if line := _line(number, raw):
                yield line
            number += 1
    if line := _line(number, rest):
        yield line


def _line(number: int, raw: bytes) -> Line | None:
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\r")
    except UnicodeDecodeError:
        raise BillFormatError(number, "is not UTF-8") from None
    return Line(number, text) if text else None


class Columns:
    """The columns that a header names.

    `needed` must be there, `optional` may be; all others are passed over. `free` are those whose values may hold what stands
    between two values: such a row has more values than columns, and those beside the free ones are found from either end.
    """

    def __init__(
        self,
        header: Line,
        needed: Sequence[str],
        optional: Sequence[str] = (),
        free: Collection[str] = (),
    ) -> None:
        names = ["".join(name.split()).translate(_BRACKETS) for name in header.text.split(",")]
        self._names = names
        if header.is_row:
            raise BillFormatError(header.number, "a row stands where the names of the columns belong")
        for name in names:
            if names.count(name) > 1:
                raise BillFormatError(header.number, "stands there twice", column=name)
        for name in needed:
            if name not in names:
                raise BillFormatError(header.number, "is missing", column=name)
        self._count = len(names)
        ends = [names.index(name) for name in free if name in names]
        self._free = bool(ends)
        places = [names.index(name) if name in names else None for name in (*needed, *optional)]
        # From its end, what stands behind the free ones has the same place in every row.
        self._places = [
            place - self._count if ends and place is not None and place > max(ends) else place
            for place in places
        ]
        self._between = any(ends and place is not None and min(ends) < place < max(ends) for place in places)

    def values(self, line: Line) -> list[str]:
        """The values of the needed and the optional columns, in that order; empty where there is no such column.

        Raises BillFormatError.
        """
        if not line.is_row:
            raise BillFormatError(line.number, "has no values where a row is expected")
        values = line.text[1:].split(_BETWEEN)
        if len(values) < self._count or (len(values) > self._count and (not self._free or self._between)):
            raise BillFormatError(line.number, f"has {len(values)} values for {self._count} columns")
        return ["" if place is None else values[place] for place in self._places]

    def has(self, name: str) -> bool:
        """Whether there is a column of this name."""
        return name in self._names


def scaled(text: str, decimals: int) -> int:
    """Yuan as a whole number of their `decimals`-th parts (2: fen), exactly; 0 for an empty text.

    Raises ValueError for what is no plain number, and for one that is finer.
    """
    if not text:
        return 0
    number = _AMOUNT.fullmatch(text)
    if number is None:
        raise ValueError("is no amount in yuan")
    sign, whole, fraction = number.groups(default="")
    if fraction[decimals:].strip("0"):
        raise ValueError(f"has more than {decimals} decimals")
    value = int(whole + fraction[:decimals].ljust(decimals, "0"))
    return -value if sign else value


def fen(text: str) -> int:
    """The fen of an amount in yuan. Raises ValueError."""
    return scaled(text, 2)


def fee(text: str) -> int:
    """The hundred-thousandths of a yuan of a fee. Raises ValueError."""
    return scaled(text, HUNDRED_THOUSANDTHS)


def count(text: str) -> int:
    """A count, `12` or `12.0`. Raises ValueError."""
    number = _COUNT.fullmatch(text)
    if number is None:
        raise ValueError("is no count")
    return int(number[1])


def number_of(line: Line, column: str, text: str, read: Callable[[str], int]) -> int:
    """What `read` makes of a value. Raises BillFormatError naming line and column."""
    try:
        return read(text)
    except ValueError as problem:
        raise BillFormatError(line.number, str(problem), column=column) from None
