"""The bills that were made so far: each once, from the ledgers as they were then, and never again by itself."""

import threading
from collections.abc import Iterable, Sequence
from datetime import date

from wechatpay_simulator.bills import fund_flow_bill, trade_bill
from wechatpay_simulator.bills.bill_changes import Change
from wechatpay_simulator.bills.bill_days import MONTHS, bounds
from wechatpay_simulator.bills.bill_text import BillForm, Row, written
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.protocol.refusals import no_statement
from wechatpay_simulator.refunds.refund_ledger import RefundLedger

TRADE, FUND_FLOW = "trade", "fundflow"
_ASKED_FOR = 2 * MONTHS * 31  # bills that can be
COLUMNS = {TRADE: trade_bill.COLUMNS["ALL"], FUND_FLOW: fund_flow_bill.COLUMNS}
"""All columns that a bill of either kind has, be it of the newest layout."""


class Statements:
    """One merchant's bills. `form` is how they are written; whoever changes it changes the bills from then on."""

    def __init__(self, ledger: Ledger, refund_ledger: RefundLedger) -> None:
        self.form = BillForm()
        self._ledger = ledger
        self._refund_ledger = refund_ledger
        self._lock = threading.Lock()
        self._made: dict[tuple[str, date], list[Row]] = {}
        self._changes: dict[tuple[str, date], list[Change]] = {}

    def trade_bill(self, day: date, bill_type: str) -> bytes:
        """The trade bill of `day`, of ALL, SUCCESS or REFUND. Raises the refusal of a day without any."""
        columns: Sequence[str] = trade_bill.COLUMNS[bill_type]
        if self.form.old_layout:
            columns = [column for column in columns if column not in trade_bill.ADDED]
        rows = self._rows(TRADE, day)
        if bill_type != "ALL":
            rows = [row for row in rows if row.get("交易状态") == bill_type]
        return self._written(columns, rows, trade_bill.trade_sums(rows, columns))

    def fund_flow_bill(self, day: date) -> bytes:
        """The fund-flow bill of `day`, of the basic account. Raises the refusal of a day without any."""
        rows = self._rows(FUND_FLOW, day)
        return self._written(fund_flow_bill.COLUMNS, rows, fund_flow_bill.fund_sums(rows))

    def change(self, kind: str, day: date, changes: Iterable[Change]) -> None:
        """Plant `changes` in the bill of that kind and day, after those that are there."""
        with self._lock:
            self._changes.setdefault((kind, day), []).extend(changes)

    def changes(self) -> dict[tuple[str, date], list[Change]]:
        """All that are planted, by kind and day."""
        with self._lock:
            return {bill: list(changes) for bill, changes in self._changes.items()}

    def unchange(self) -> None:
        """Take all changes back."""
        with self._lock:
            self._changes.clear()

    def forget(self, _most: int) -> None:
        """Forget the bills of days that nobody can ask for any more: of more than there can be, the earliest."""
        if len(self._made) > _ASKED_FOR:
            with self._lock:
                for bill in sorted(self._made, key=lambda bill: bill[1])[:-_ASKED_FOR]:
                    del self._made[bill]

    def _rows(self, kind: str, day: date) -> list[Row]:
        with self._lock:
            if (kind, day) not in self._made:
                self._made[kind, day] = self._make(kind, day)
            rows = self._made[kind, day]
            for change in self._changes.get((kind, day), ()):
                rows = change.applied(rows)
        return rows

    def _make(self, kind: str, day: date) -> list[Row]:
        orders = [order for order in self._ledger.orders() if order.success_time is not None]
        refunds = self._refund_ledger.refunds()
        made = trade_bill.trade_rows if kind == TRADE else fund_flow_bill.fund_rows
        begins, ends = bounds(day)
        of_day = [(at, row) for at, row in made(orders, refunds) if begins <= at < ends]
        return [row for _, row in sorted(of_day, key=lambda each: each[0])]

    def _written(self, columns: Sequence[str], rows: Sequence[Row], sums: Row) -> bytes:
        if not rows:
            raise no_statement()
        return written(columns, rows, sums, self.form)
