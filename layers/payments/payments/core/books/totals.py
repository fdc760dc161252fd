"""What the rows of a bill come to, against the bill's own row of sums; and what a day comes to for whoever reads its result. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from payments.core.books.booking import EXPLAINED
from payments.core.books.comparing import amount_of
from payments.core.books.differences import Difference, DifferenceKind, fee_text, money
from payments.core.books.rows import FundRow, FundSums, TradeRow, TradeSums


class _Added:
    def add(self, other: Self) -> None:
        """Count what `other` has counted, too."""
        for each in fields(self):  # type: ignore[arg-type]
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, dict):
                for kind, (rows, amount) in theirs.items():
                    known = mine.get(kind, (0, 0))
                    mine[kind] = (known[0] + rows, known[1] + amount)
            else:
                setattr(self, each.name, mine + theirs)


@dataclass
class TradeTotals(_Added):
    """Of rows of a trade bill; amounts in fen, fees in hundred-thousandths of a yuan. `amount` is of paid rows, `refunded` of refunds'."""

    rows: int = 0
    orders: int = 0
    amount: int = 0
    refunds: int = 0
    refunded: int = 0
    settlement_total: int = 0
    refund_settlement: int = 0
    refund_coupon: int = 0
    fee: int = 0
    total: int = 0
    refund_total: int = 0

    def count(self, row: TradeRow) -> None:
        """Count one row."""
        self.rows += 1
        if row.is_refund:
            self.refunds += 1
            self.refunded += amount_of(row)
        else:
            self.orders += 1
            self.amount += amount_of(row)
        self.settlement_total += row.settlement_total
        self.refund_settlement += row.refund_settlement
        self.refund_coupon += row.refund_coupon
        self.fee += row.fee
        self.total += row.total or 0
        self.refund_total += row.refund_total or 0


@dataclass
class FundTotals(_Added):
    """Of rows of a fund-flow bill, in fen. `others` are the movements that no trade explains: by kind, how many and how much."""

    rows: int = 0
    income_rows: int = 0
    income: int = 0
    expense_rows: int = 0
    expense: int = 0
    others: dict[str, tuple[int, int]] = field(default_factory=dict)

    def count(self, row: FundRow) -> None:
        """Count one row."""
        self.rows += 1
        if row.amount > 0:
            self.income_rows += 1
            self.income += row.amount
        else:
            self.expense_rows += 1
            self.expense -= row.amount
        if row.kind not in EXPLAINED:
            rows, amount = self.others.get(row.kind, (0, 0))
            self.others[row.kind] = (rows + 1, amount + row.amount)


@dataclass
class OurTotals(_Added):
    """Of our own records of the day, in fen: what the bill's rows tell of and what they lack."""

    orders: int = 0
    amount: int = 0
    refunds: int = 0
    refunded: int = 0

    def count(self, amount: int, *, is_refund: bool) -> None:
        """Count one movement."""
        if is_refund:
            self.refunds += 1
            self.refunded += amount
        else:
            self.orders += 1
            self.amount += amount


def trade_sums_differences(read: TradeTotals, sums: TradeSums) -> Iterator[Difference]:
    """Where a trade bill's own sums are not those of its rows; a sum that the bill lacks is not compared."""
    yield from _counts("trade", {"rows": (sums.rows, read.rows)})
    names = ("settlement_total", "refund_settlement", "refund_coupon", "total", "refund_total")
    yield from _amounts("trade", {name: (getattr(sums, name), getattr(read, name)) for name in names})
    if sums.fee != read.fee:
        yield _sum("trade", "fee", f"{fee_text(sums.fee)} CNY", f"{fee_text(read.fee)} CNY")


def fund_sums_differences(read: FundTotals, sums: FundSums) -> Iterator[Difference]:
    """Where a fund-flow bill's own sums are not those of its rows. A row of nothing counts on either side."""
    nothing = {"rows": (sums.rows, read.rows)}
    yield from _counts("fund", nothing)
    yield from _amounts(
        "fund", {"income": (sums.income, read.income), "expense": (sums.expense, read.expense)}
    )


def _counts(bill: str, pairs: Mapping[str, tuple[int, int]]) -> Iterator[Difference]:
    for name, (said, read) in pairs.items():
        if said != read:
            yield _sum(bill, name, str(said), str(read))


def _amounts(bill: str, pairs: Mapping[str, tuple[int | None, int]]) -> Iterator[Difference]:
    for name, (said, read) in pairs.items():
        if said is not None and said != read:
            yield _sum(bill, name, money(said), money(read))


def _sum(bill: str, name: str, said: str, read: str) -> Difference:
    words = f"its sums say {said}, its rows {read}"
    return Difference(DifferenceKind.SUM, f"sum#{bill}#{name}", bill=words)


def movements_of(others: Mapping[str, tuple[int, int]]) -> Iterable[dict[str, object]]:
    """A merchant's other movements as they are shown: kind, rows, fen."""
    return [{"kind": kind, "rows": rows, "amount": amount} for kind, (rows, amount) in sorted(others.items())]
