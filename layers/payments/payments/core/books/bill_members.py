"""A bill as gzip members that can be read one by one, and as a whole: what is written, and where each one lies.

The members together are the bill's own text, byte by byte; any gzip reader takes them for one file.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from payments.core.books.bill_text import MAX_LINE_BYTES, BillFormatError, BillKind, Line
from payments.core.books.bills import check_header, fund_sums, trade_sums
from payments.core.books.rows import FundSums, TradeSums

MAX_ROWS = 20_000  # rows of one member
MAX_MEMBER_BYTES = 16 << 20  # bytes of its text, however long the rows are
_COMPRESS_AT = 1 << 18  # bytes that are gathered for one call
_LEVEL = 4  # half the time of zlib's own, for a tenth more bytes


@dataclass(frozen=True)
class Member:
    """One gzip member: where it lies, the number of its first line, how many rows it has."""

    offset: int
    length: int
    line: int
    rows: int


@dataclass(frozen=True)
class BillIndex:
    """Where the members of one bill lie; its header, and the two lines of its sums."""

    kind: BillKind
    header: Line
    sums_header: Line
    sums_line: Line
    members: tuple[Member, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(member.rows for member in self.members)

    def sums(self) -> TradeSums | FundSums:
        """The bill's own sums."""
        read = trade_sums if self.kind is BillKind.TRADE else fund_sums
        return read(self.sums_header, self.sums_line)

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "BillIndex":
        """The index that `document` was made of."""
        return cls(
            kind=BillKind(document["kind"]),
            header=Line(*document["header"]),
            sums_header=Line(*document["sums_header"]),
            sums_line=Line(*document["sums_line"]),
            members=tuple(Member(**member) for member in document["members"]),
        )


class MemberWriter:
    """Takes a bill's text in pieces, and hands compressed bytes to `out`. What it holds does not grow with the bill.

    A text that is no bill is known by `finish`, and not before: whether it is WeChat Pay's at all is for the caller to say first.
    """

    def __init__(self, kind: BillKind, out: Callable[[bytes], None]) -> None:
        self._kind = kind
        self._out = out
        self._rest = b""
        self._number = 0  # of the last line
        self._names: list[Line] = []  # header, second header, sums
        self._wrong: BillFormatError | None = None
        self._members: list[Member] = []
        self._deflate = _deflate()
        self._gathered: list[bytes] = []
        self._gathered_bytes = self._text_bytes = 0
        self._first, self._rows, self._offset, self._length = 1, 0, 0, 0

    def feed(self, text: bytes) -> None:
        """The next piece."""
        if self._wrong is not None:
            return
        try:
            self._take(text)
        except BillFormatError as problem:
            self._wrong, self._rest = problem, b""
            self._gathered.clear()

    def finish(self) -> BillIndex:
        """The end: the last bytes go out. Raises BillFormatError for a text that is no bill of this kind."""
        if self._wrong is None and self._rest:
            try:
                self._add(self._rest)
            except BillFormatError as problem:
                self._wrong = problem
        if self._wrong is not None:
            raise self._wrong
        if len(self._names) < 3:
            raise BillFormatError(self._number + 1, "the bill ends before its sums")
        self._end_member()
        header, sums_header, sums_line = self._names
        index = BillIndex(self._kind, header, sums_header, sums_line, tuple(self._members))
        index.sums()
        return index

    def _take(self, text: bytes) -> None:
        *whole, self._rest = (self._rest + text).split(b"\n")
        for line in whole:
            self._add(line + b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise BillFormatError(self._number + 1, f"is longer than {MAX_LINE_BYTES} bytes")

    def _add(self, raw: bytes) -> None:
        self._number += 1
        if raw.startswith(b"`") and len(self._names) == 1:
            if self._rows == MAX_ROWS or self._text_bytes >= MAX_MEMBER_BYTES:
                self._end_member()
            self._rows += 1
        else:
            self._note(raw)
        self._gathered.append(raw)
        self._gathered_bytes += len(raw)
        self._text_bytes += len(raw)
        if self._gathered_bytes >= _COMPRESS_AT:
            self._compress()

    def _note(self, raw: bytes) -> None:
        try:
            text = raw.decode("utf-8-sig" if self._number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise BillFormatError(self._number, "is not UTF-8") from None
        if not text:
            return
        line = Line(self._number, text)
        if len(self._names) == 3:
            raise BillFormatError(self._number, "something follows the sums")
        if line.is_row is not (len(self._names) == 2):
            raise BillFormatError(self._number, "names of columns and values are in no order")
        if not self._names:
            check_header(self._kind, line)
        self._names.append(line)

    def _compress(self) -> None:
        self._hand_out(self._deflate.compress(b"".join(self._gathered)))
        self._gathered.clear()
        self._gathered_bytes = 0

    def _end_member(self) -> None:
        self._compress()
        self._hand_out(self._deflate.flush())
        self._members.append(Member(self._offset, self._length, self._first, self._rows))
        self._offset, self._length = self._offset + self._length, 0
        self._first, self._rows, self._text_bytes = self._number, 0, 0
        self._deflate = _deflate()

    def _hand_out(self, compressed: bytes) -> None:
        self._length += len(compressed)
        if compressed:
            self._out(compressed)


def _deflate() -> Any:
    return zlib.compressobj(_LEVEL, wbits=31)  # gzip
