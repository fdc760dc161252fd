"""`make statement`: a bill that somebody has downloaded by hand, against our records. Nothing is changed, and nobody is asked.

A trade bill (ALL) is compared with the payments of the days that it is of, row by row, by the same rules as every night; a
fund-flow bill with its own sums. The file may be compressed.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from operations.books.tables import differences, table
from operations.stack import CannotError, Stack, run
from payments.core.books.bill_text import BillFormatError, Line, lines
from payments.core.books.bills import parse_fund, parse_trade
from payments.core.books.comparing import amount_of, compare, key_of, lacking_there, movement_key, second_row
from payments.core.books.differences import Difference, fee_text
from payments.core.books.journal import JOURNAL_SHARDS
from payments.core.books.rows import FundRow, TradeRow
from payments.core.books.totals import (
    FundTotals,
    TradeTotals,
    fund_sums_differences,
    trade_sums_differences,
)
from payments.core.errors import StorageUnavailableError
from payments.core.money import yuan
from payments.storage.books.journal import JournalStore
from payments.storage.payments import PaymentStore
from wechatpay.bill_calls import unzipped
from wechatpay.errors import UnprovenBillError

READ_AT_ONCE = 100  # payments that one read takes
TOLD_EACH = 2.0  # seconds between two lines that tell how far it has come
DIFFERS, NOT_DONE = 3, 1  # exit statuses
_OF_THE_FUND_FLOW_BILL = "资金流水单号"  # a column that the trade bill does not have
_CHUNK = 1 << 20
_NO_BILL = " (a bill is read as WeChat Pay writes it: download it again, and save it by no other program)"


def main() -> int:
    """Compare. Returns the exit status: 0 when all is the same, 3 when a person has to judge, 1 when it cannot be compared."""
    return run((__doc__ or "").partition("\n")[0], _statement, _arguments, cannot=NOT_DONE)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", required=True, type=Path, help="the bill: .csv, or .csv.gz")


def _statement(stack: Stack, options: argparse.Namespace) -> int:
    if options.file == Path():
        raise CannotError("which bill is to be compared? Say FILE=bill.csv")
    try:
        text = _lines(options.file)
        header = next(text, None)
        if header is None:
            raise CannotError(f"{options.file}: there is nothing in it")
        fund = _OF_THE_FUND_FLOW_BILL in header.text
        rows = _whole(header, text)
        found = _fund(rows) if fund else _Trade(stack).compared(rows)
    except OSError as problem:
        raise CannotError(f"{options.file}: {problem.strerror}") from problem
    except (BillFormatError, UnprovenBillError) as problem:
        raise CannotError(f"{options.file}: {problem}{_NO_BILL}") from problem
    except StorageUnavailableError as problem:
        raise CannotError(f"a table does not answer ({problem}); try again") from problem
    print("\n".join(differences(found)) or "no difference")
    if fund:
        print(
            "A fund-flow bill by itself is held against its own sums alone; make bills compares both bills of a day."
        )
    return DIFFERS if found else 0


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        chunks = iter(lambda: file.read(_CHUNK), b"")
        yield from lines(unzipped(chunks) if zipped else chunks)


def _whole(header: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield header
    yield from rest


def _fund(text: Iterator[Line]) -> list[Difference]:
    totals, found = FundTotals(), list[Difference]()
    for row in parse_fund(text):
        if isinstance(row, FundRow):
            totals.count(row)
        else:
            found += fund_sums_differences(totals, row)
    rows: list[tuple[object, ...]] = [
        ("fund-flow bill", "rows", "yuan"),
        ("came in", totals.income_rows, yuan(totals.income)),
        ("went out", totals.expense_rows, yuan(totals.expense)),
    ]
    rows += [
        (f"of these {kind}", count, yuan(amount)) for kind, (count, amount) in sorted(totals.others.items())
    ]
    print("\n".join(table(rows, right=(1, 2))))
    return found


class _Trade:
    """One trade bill against the tables of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._payments = PaymentStore(payments_table=stack.output("PaymentsTableName"), due_shards=1)
        self._journal = JournalStore(journal_table=stack.output("JournalTableName"))
        self._mchid = stack.parameter("WeChatMchId")
        self._totals, self._found = TradeTotals(), list[Difference]()
        self._billed: set[str] = set()
        self._days: Counter[str] = Counter()
        self._told = time.monotonic()

    def compared(self, text: Iterator[Line]) -> list[Difference]:
        """All differences."""
        rows = parse_trade(text)
        while batch := list(islice(rows, READ_AT_ONCE)):
            trades = [row for row in batch if isinstance(row, TradeRow)]
            self._compare(trades)
            for sums in batch:
                if not isinstance(sums, TradeRow):
                    self._found += trade_sums_differences(self._totals, sums)
            self._tell()
        for day in sorted(self._days):
            for shard in range(JOURNAL_SHARDS):
                self._compare_ours(day, shard)
        totals = self._totals
        print(
            "\n".join(
                table(
                    [
                        (f"trade bill of {self._period()}", "rows", "yuan"),
                        ("payments", totals.orders, yuan(totals.amount)),
                        ("refunds", totals.refunds, yuan(totals.refunded)),
                        ("fees", "", fee_text(totals.fee)),
                    ],
                    right=(1, 2),
                )
            )
        )
        return self._found

    def _compare(self, rows: list[TradeRow]) -> None:
        payments = self._payments.get_all({row.out_trade_no for row in rows}) if rows else {}
        for row in rows:
            if row.mchid not in (self._mchid, ""):
                raise CannotError(
                    f"line {row.line} is of merchant {row.mchid}, and this stack's is {self._mchid}: another merchant's bill"
                )
            day, key = row.at[:10], key_of(row)
            self._totals.count(row)
            self._days[day] += 1
            self._found += compare(row, payments.get(row.out_trade_no), day)
            if key in self._billed:
                self._found.append(second_row(key, row.line, amount_of(row)))
            self._billed.add(key)

    def _compare_ours(self, day: str, shard: int) -> None:
        for movement in self._journal.movements(day, shard):
            key = movement_key(movement)
            if key is not None and key not in self._billed:
                lacking = lacking_there(movement, key)
                if lacking is not None and lacking.awaits in self._days:  # whose rows are in this very file
                    lacking = replace(lacking, kind=lacking.becomes or lacking.kind, awaits=None)
                if lacking is not None:
                    self._found.append(lacking)

    def _period(self) -> str:
        days = sorted(filter(None, self._days))
        return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "no day"

    def _tell(self) -> None:
        if time.monotonic() - self._told >= TOLD_EACH:
            self._told = time.monotonic()
            print(f"statement: {self._totals.rows} rows so far", flush=True)


if __name__ == "__main__":
    sys.exit(main())
