"""`make orders`: the orders of a day, of days, of a user or of a content, as a table; or all of them, or the movements of money, in a file.

The table has the newest orders first, as the API lists them; the file is the one that an export of the API would be.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from operations.books.tables import table
from operations.stack import CannotError, Stack, run
from payments.api.books.order_query import order_query
from payments.core.books.csv_text import MOVEMENT_COLUMNS, ORDER_COLUMNS, csv_pieces
from payments.core.books.export import ExportKind
from payments.core.books.order_query import OrderQuery
from payments.core.books.rows import OrderRow
from payments.core.errors import ParameterError, StorageUnavailableError
from payments.core.money import yuan
from payments.core.times import beijing
from payments.use_cases.books.exporting import movements_of, orders_of
from payments.use_cases.books.listing import list_orders
from payments.wiring import Wiring

TOLD_EACH = 2.0  # seconds between two lines that tell how far it has come
SHOWN = 100  # orders of a table, where nothing else is said
_AT_ONCE = 100  # orders of one page of a list
_MOST = 1_000_000  # lines of a table
_TYPED = {"userId": "USER_ID", "contentId": "CONTENT_ID"}

T = TypeVar("T")


def main() -> int:
    """List, or write the file. Returns the exit status."""
    return run((__doc__ or "").partition("\n")[0], _orders, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    days = "a Beijing day, like 2026-11-28"
    for name, words in (("day", days), ("from", f"the first of several: {days}"), ("to", "the last of them")):
        parser.add_argument(f"--{name}", dest=name, default="", help=words)
    parser.add_argument("--user", dest="userId", default="", help="a userId")
    parser.add_argument("--content", dest="contentId", default="", help="a contentId")
    parser.add_argument("--status", default="", help="a status, in the API's words")
    parser.add_argument("--method", default="", help="native, jsapi, app or h5")
    parser.add_argument(
        "--limit", type=_whole, default=SHOWN, help=f"lines of the table at most (default {SHOWN})"
    )
    parser.add_argument(
        "--kind", choices=[each.value for each in ExportKind], default=ExportKind.ORDERS.value
    )
    parser.add_argument("--csv", type=Path, help="write all of it into this file instead")


def _whole(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"LIMIT must be a whole number from 1 to {_MOST}, not {text}")


def _as_typed(sentence: str) -> str:
    """The API's sentence with the variables of `make` in place of the API's parameters."""
    field, _, rest = sentence.partition(" ")
    named = re.sub(
        r"(?<=beside )\w+|(?<=before )from|from and to|`to`", lambda word: word[0].strip("`").upper(), rest
    )
    said = f"{field if field in _TYPED else field.upper()} {named}".replace("FROM AND TO", "FROM and TO")
    for name, typed in _TYPED.items():
        said = said.replace(name, typed)
    return said


def _orders(stack: Stack, options: argparse.Namespace) -> int:
    names = ("day", "from", "to", "userId", "contentId", "status", "method")
    asked = {name: value for name in names if (value := vars(options)[name])}
    movements = options.kind == ExportKind.MOVEMENTS.value
    try:
        query = order_query(asked, user_id=asked.get("userId"))
    except ParameterError as refused:
        raise CannotError(_as_typed(refused.sentence)) from None
    if movements and (set(asked) - {"day", "from", "to"} or options.csv is None):
        raise CannotError(
            "movements of money go into a file (CSV=…), and by days alone (DAY=… or FROM=… and TO=…)"
        )
    wiring = Wiring({"JOURNAL_TABLE": stack.output("JournalTableName")})
    try:
        if options.csv is None:
            _show(query, options.limit, wiring)
        elif movements and query.period is not None:
            _write(options.csv, csv_pieces(MOVEMENT_COLUMNS, _told(movements_of(query.period, wiring))))
        else:
            _write(options.csv, csv_pieces(ORDER_COLUMNS, _oldest_first(query, wiring)))
    except StorageUnavailableError as problem:
        raise CannotError(f"the journal does not answer ({problem}); try again") from problem
    return 0


def _oldest_first(query: OrderQuery, wiring: Wiring) -> Iterable[OrderRow]:
    if query.period is not None and query.user_id is None and query.content_id is None:
        return filter(query.matches, _told(orders_of(query.period, wiring)))
    return reversed(list(_told(_newest_first(query, wiring))))


def _newest_first(query: OrderQuery, wiring: Wiring) -> Iterator[OrderRow]:
    page = list_orders(query, None, _AT_ONCE, wiring)
    yield from page.orders
    at = time.monotonic()
    while page.goes_on is not None:
        if not page.orders and (now := time.monotonic()) - at >= TOLD_EACH:
            at = now  # a filter that few orders fit: nothing else would be told
            print(f"orders: back to {beijing(page.goes_on[0])[:10]} so far", flush=True)
        page = list_orders(query, page.goes_on, _AT_ONCE, wiring)
        yield from page.orders


def _show(query: OrderQuery, limit: int, wiring: Wiring) -> None:
    found = _newest_first(query, wiring)
    shown = list(islice(_told(found), limit))
    rows: list[tuple[object, ...]] = [
        ("ordered", "order", "status", "yuan", "refunded", "method", "user", "content", "subject")
    ]
    rows += [
        (
            beijing(row.created_at)[:19].replace("T", " "),
            row.out_trade_no,
            row.status.word,
            yuan(row.amount),
            yuan(row.refunded) if row.refunded else "",
            row.method,
            row.user_id,
            row.content_id,
            row.subject,
        )
        for row in shown
    ]
    if shown:
        print("\n".join(table(rows, right=(3, 4))))
    more = next(found, None) is not None
    print(f"orders: {len(shown)}{', and there are more (LIMIT=…, or CSV=… for all)' if more else ''}")


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    unfinished = path.with_name(f"{path.name}.part")  # so that no half of a file passes for a whole one
    try:
        with unfinished.open("wb") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    except OSError as problem:
        raise CannotError(f"{path} cannot be written: {problem.strerror}") from problem
    finally:
        unfinished.unlink(missing_ok=True)
    print(f"orders: {path} is written")


def _told(rows: Iterable[T]) -> Iterator[T]:
    """The same rows; how many there were so far is told now and then."""
    at = time.monotonic()
    for number, row in enumerate(rows, start=1):
        if (now := time.monotonic()) - at >= TOLD_EACH:
            at = now
            print(f"orders: {number} rows so far", flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())
