"""Rows of the journal as CSV that spreadsheets open as it is meant: UTF-8 with a byte order mark, CRLF, no cell a formula.

Amounts are yuan with two decimals. A text that a spreadsheet would calculate, or read as a number or a day, has an apostrophe before it,
and so has one that begins with an apostrophe itself: whoever reads the file by program takes one away.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from payments.core.books.rows import MovementRow, OrderRow
from payments.core.money import yuan
from payments.core.times import beijing

T = TypeVar("T")
Columns = Sequence[tuple[str, Callable[[T], str]]]
"""The columns of a file by name, and what stands in each."""

PIECE_CHARACTERS = 1024 * 1024
# A formula's first character, the full-width and small ones of a Chinese keyboard among them, behind blanks and what is not shown.
_FORMULA = r"[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫']|[\t\r\n]"
# What a spreadsheet reads as a number, an amount, a day or a time, and then shows as it likes: `007`, `1.10`, `1E+5`, `3-4`, `MAR1`.
_NUMBER = r"\s*[\d.]+[eE][+-]?\d+\s*\Z|[\s.,:/()%％$￥¥-]*\d[\s\d.,:/()%％$￥¥年月日时分秒-]*\Z"
_MONTH = r"(?i:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|(?:janu|febru)ary|march|april|august|(?:septem|octo|novem|decem)ber)"
_DAY = rf"\s*(?:(?=[jfmasondJFMASOND]){_MONTH}[\s.,/-]*\d+|\d+[\s./-]*{_MONTH}(?:[\s.,/-]*\d+)?)\s*\Z"
_GUARDED = re.compile(f"{_FORMULA}|{_NUMBER}|{_DAY}")
_AS_IT_IS = re.compile(r"0|[1-9][0-9]{0,14}")  # whole numbers of no more digits than a spreadsheet keeps


def cell(text: str | None) -> str:
    """A text as it may stand in a cell; nothing for None."""
    if not text:
        return ""
    guarded = _GUARDED.match(text) and not _AS_IT_IS.fullmatch(text)
    return f"'{text}" if guarded else text


def _amount(fen: int) -> str:
    return str(yuan(fen))


ORDER_COLUMNS: Columns[OrderRow] = (
    ("day", lambda row: row.day),
    ("createdAt", lambda row: beijing(row.created_at)),
    ("outTradeNo", lambda row: cell(row.out_trade_no)),
    ("paymentId", lambda row: cell(row.payment_id)),
    ("userId", lambda row: cell(row.user_id)),
    ("contentId", lambda row: cell(row.content_id)),
    ("checkoutId", lambda row: cell(row.checkout_id)),
    ("method", lambda row: row.method),
    ("subject", lambda row: cell(row.subject)),
    ("status", lambda row: row.status.word),
    ("currency", lambda row: row.currency),
    ("amount", lambda row: _amount(row.amount)),
    ("paidAmount", lambda row: _amount(row.paid)),
    ("refundingAmount", lambda row: _amount(row.refunding)),
    ("refundedAmount", lambda row: _amount(row.refunded)),
    ("transactionId", lambda row: cell(row.transaction_id)),
    ("successTime", lambda row: cell(row.success_time)),
)
MOVEMENT_COLUMNS: Columns[MovementRow] = (
    ("day", lambda row: row.day),
    ("at", lambda row: cell(row.at)),
    ("kind", lambda row: row.kind.value),
    ("outTradeNo", lambda row: cell(row.out_trade_no)),
    ("transactionId", lambda row: cell(row.transaction_id)),
    ("outRefundNo", lambda row: cell(row.out_refund_no)),
    ("refundId", lambda row: cell(row.refund_id)),
    ("refundStatus", lambda row: row.refund_status.word if row.refund_status else ""),
    ("amount", lambda row: _amount(row.amount)),
)


def csv_pieces(columns: Columns[T], rows: Iterable[T], *, piece: int = PIECE_CHARACTERS) -> Iterator[bytes]:
    """The file in pieces of `piece` characters or a little more; with no rows, its header alone."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow([name for name, _ in columns])
    values = [value for _, value in columns]
    for row in rows:
        writer.writerow([value(row) for value in values])
        if buffer.tell() >= piece:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if text := buffer.getvalue():
        yield text.encode()
