"""What one part of a run has found, and what a whole day has: numbers alone, however large the day is. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from payments.core.books.differences import Difference
from payments.core.books.totals import FundTotals, OurTotals, TradeTotals

MAX_LISTED = 1_000  # differences of one part that are kept one by one; all are counted


class Work(NamedTuple):
    """A work object: its name, and the places in it at which partitions begin, and last where they end."""

    name: str
    bounds: tuple[int, ...]


@dataclass
class PartResult:
    """Of one part. `work` names its work object, `bounds` are the places in it at which one partition's lines end and the next one's
    begin.
    """

    trade: TradeTotals = field(default_factory=TradeTotals)
    fund: FundTotals = field(default_factory=FundTotals)
    ours: OurTotals = field(default_factory=OurTotals)
    kinds: dict[str, int] = field(default_factory=dict)  # differences that stand, by kind
    repaired: int = 0
    work: str = ""
    bounds: list[int] = field(default_factory=list)

    def hand_on(self, work: Work) -> None:
        """Name the work object."""
        self.work, self.bounds = work.name, list(work.bounds)

    @property
    def handed_on(self) -> Work:
        """Its work object."""
        return Work(self.work, tuple(self.bounds))

    def tell(self, differences: Iterable[Difference]) -> None:
        """Count what stands and what was repaired."""
        found = list(differences)
        self.kinds = dict(Counter(each.kind.value for each in found if not each.repaired))
        self.repaired = sum(each.repaired for each in found)

    @property
    def differences(self) -> int:
        """How many stand."""
        return sum(self.kinds.values())


def summed(parts: Iterable[PartResult]) -> PartResult:
    """All parts of a day together."""
    whole = PartResult()
    kinds: Counter[str] = Counter()
    for part in parts:
        whole.trade.add(part.trade)
        whole.fund.add(part.fund)
        whole.ours.add(part.ours)
        whole.repaired += part.repaired
        kinds.update(part.kinds)
    whole.kinds = dict(kinds)
    return whole


def numbers_of(whole: PartResult) -> dict[str, int]:
    """A day's result by names, as it is kept: amounts in fen, the fee in hundred-thousandths of a yuan."""
    trade, ours = whole.trade, whole.ours
    numbers = {
        "orders": trade.orders,
        "amount": trade.amount,
        "refunds": trade.refunds,
        "refund_amount": trade.refunded,
        "fee": trade.fee,
        "our_orders": ours.orders,
        "our_amount": ours.amount,
        "our_refunds": ours.refunds,
        "our_refund_amount": ours.refunded,
        "income": whole.fund.income,
        "expense": whole.fund.expense,
        "differences": whole.differences,
        "repaired": whole.repaired,
    }
    numbers |= {f"kind:{kind}": count for kind, count in sorted(whole.kinds.items())}
    for kind, (rows, amount) in sorted(whole.fund.others.items()):
        numbers |= {f"other_rows:{kind}": rows, f"other_amount:{kind}": amount}
    return numbers
