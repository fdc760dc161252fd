"""How a bill is written: a row of names, rows of values behind backticks, and the same once more for the sums."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, str]
"""One row of a bill: values by the names of their columns."""

_BREAKS = str.maketrans({"\r": "\\r", "\n": "\\n"})


@dataclass(frozen=True)
class BillForm:
    """What differs from merchant to merchant, and is not documented: whoever reads a bill takes them all.

    With `old_layout` the trade bill is the one from before three columns were added.
    """

    byte_order_mark: bool = True
    crlf: bool = True
    old_layout: bool = False


def written(columns: Sequence[str], rows: Iterable[Row], sums: Row, form: BillForm) -> bytes:
    """The bill in UTF-8 (WeChat Pay APIv3, Bills: format of the trade bill).

    Nothing is quoted: each value begins with a backtick, and may hold a comma. Line breaks within one are written as text.
    """
    end = "\r\n" if form.crlf else "\n"
    lines = [",".join(columns)]
    lines += [_line(columns, row) for row in rows]
    lines += [",".join(sums), _line(tuple(sums), sums)]
    text = "".join(line + end for line in lines)
    return text.encode("utf-8-sig" if form.byte_order_mark else "utf-8")


def yuan(fen: int) -> str:
    """`1.00` of 100: bills speak of yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def fen(text: str) -> int:
    """The whole fen of a sum in yuan, whatever its decimals; 0 for what is none."""
    try:
        return round(float(text) * 100)
    except ValueError:
        return 0


def _line(columns: Sequence[str], row: Row) -> str:
    return ",".join("`" + row.get(column, "").translate(_BREAKS) for column in columns)
