"""Rows of the journal as CSV that spreadsheets open as it is meant: UTF-8 with a byte order mark, CRLF, no cell a formula.

Amounts are yuan with two decimals. A text that a spreadsheet would calculate, round or shorten has an apostrophe before it, and so has
one that begins with an apostrophe itself: whoever reads the file by program takes one away.
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
# A formula's first character, the full-width ones of a Chinese keyboard among them, with blanks before it or not; and numbers of more
# digits than a spreadsheet keeps, with noughts in front, or with an exponent.
_GUARDED = re.compile(r"\s*[=+\-@＝＋－＠']|[\t\r\n]|(?:[0-9]{16,}|0[0-9]+|[0-9]+(?:\.[0-9]+)?[eE][0-9]+)\Z")


def cell(text: str | None) -> str:
    """A text as it may stand in a cell; nothing for None."""
    if not text:
        return ""
    return f"'{text}" if _GUARDED.match(text) else text


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
    ("successTime", lambda row: row.success_time or ""),
)
MOVEMENT_COLUMNS: Columns[MovementRow] = (
    ("day", lambda row: row.day),
    ("at", lambda row: row.at),
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
