"""`make journal`: the books anew from the payments themselves: what is missing or old is written, what follows from no payment goes.

May run while the stack works, and again after it broke off.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from operations.stack import CannotError, Stack, run
from payments.core.books.journal import changes, key_of, number_in, progress, rows_of
from payments.core.errors import StorageUnavailableError
from payments.core.payment import Payment
from payments.storage.books.journal import JournalStore, Kept
from payments.storage.items import payment_of, read
from payments.storage.payments import PaymentStore
from payments.storage.tables import PaymentItem

SEGMENTS = 8  # of both tables, walked side by side
ROWS = 100  # of the journal that are compared at once: a read of several payments takes no more
TOLD_EACH = 2.0  # seconds between two lines that tell how far it has come

UNREADABLE = (KeyError, TypeError, ValueError)


def main() -> int:
    """Write the journal. Returns the exit status: 0 when it follows from the payments, 1 when something of it could not be done."""
    return run((__doc__ or "").partition("\n")[0], _rebuild)


def _rebuild(stack: Stack, _options: argparse.Namespace) -> int:
    rebuild = Rebuild(
        payments=PaymentStore(payments_table=stack.output("PaymentsTableName"), due_shards=1),
        journal=JournalStore(journal_table=stack.output("JournalTableName")),
        tell=lambda text: print(f"journal: {text}", flush=True),
    )
    try:
        rebuild.run()
    except StorageUnavailableError as problem:
        raise CannotError(
            f"a table does not answer ({problem}); run it again, that does no harm"
        ) from problem
    if rebuild.unreadable:
        raise CannotError(f"these payments cannot be read: {', '.join(sorted(rebuild.unreadable))}")
    return 0


@dataclass
class Rebuild:
    """First every payment's rows, then every row's payment. A row that is younger than what was read of its payment stays."""

    payments: PaymentStore
    journal: JournalStore
    tell: Callable[[str], None]
    segments: int = SEGMENTS
    clock: Callable[[], float] = time.monotonic
    unreadable: set[str] = field(default_factory=set)
    count: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._told_at, self._lock = self.clock(), threading.Lock()

    def run(self) -> None:
        """Walk both tables. Raises StorageUnavailableError; what was done by then stays."""
        with ThreadPoolExecutor(self.segments) as side:
            list(side.map(self._write, range(self.segments)))
            list(side.map(self._compare, range(self.segments)))
        self.tell(
            f"{self.count['payments']} payments, {self.count['rows']} rows;"
            f" {self.count['corrected']} rows that fitted no payment were put right,"
            f" {self.count['left']} were left to the stream, which has something newer"
        )

    def _write(self, segment: int) -> None:
        for payment in self._all(segment):
            change = changes([None, payment])
            self.journal.write(change, now=int(time.time()))
            self._add(payments=1, rows=len(change.written))

    def _all(self, segment: int) -> Iterator[Payment]:
        items = PaymentItem.scan(segment=segment, total_segments=self.segments, consistent_read=True)
        while (item := read(lambda: next(items, None))) is not None:
            try:
                yield payment_of(item.raw)
            except UNREADABLE:
                self.unreadable.add(item.raw["out_trade_no"]["S"])

    def _compare(self, segment: int) -> None:
        rows = self.journal.everything(segment=segment, segments=self.segments)
        while some := list(islice(rows, ROWS)):
            known = self._read({number for each in some if (number := number_in(each.key))})
            for each in some:
                number = number_in(each.key)
                if number not in self.unreadable:
                    self._correct(each, known.get(number or ""))
            self._add(compared=len(some))

    def _read(self, numbers: set[str]) -> dict[str, Payment]:
        """After the rows were read: so no row can be younger than its payment, but for one that the table has lost."""
        try:
            return self.payments.get_all(numbers) if numbers else {}
        except UNREADABLE:
            found = {}
            for number in numbers - self.unreadable:
                try:
                    if (payment := self.payments.get(number)) is not None:
                        found[number] = payment
                except UNREADABLE:
                    self.unreadable.add(number)
            return found

    def _correct(self, seen: Kept, payment: Payment | None) -> None:
        rows = {} if payment is None else {key_of(row): row for row in rows_of(payment)}
        row, come = rows.get(seen.key), 0 if payment is None else progress(payment)
        if row is None and seen.row is None:
            return  # a mark ends by itself
        if row is not None and seen.progress <= come:
            return  # written just now, or since then by the stream
        done = self.journal.correct(seen, row, progress=come)
        self._add(**{"corrected" if done else "left": 1})

    def _add(self, **counted: int) -> None:
        with self._lock:
            self.count.update(counted)
            if (now := self.clock()) - self._told_at >= TOLD_EACH:
                self._told_at = now
                parts = [f"{self.count[name]} {name}" for name in ("payments", "rows", "compared")]
                self.tell(f"{', '.join(parts)} so far")


if __name__ == "__main__":
    sys.exit(main())
