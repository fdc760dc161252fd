"""What came of windows: figures that add up, and the differences that were found."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.resilience.soak.people import People
from tests.resilience.soak.window import START, Window


@dataclass
class Figures:
    """One window's or many windows'. Money in fen."""

    orders: int = 0
    refunds: int = 0
    invocations: int = 0
    deaths: int = 0
    operations: int = 0
    virtual_hours: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)  # of calls
    faults: Counter[str] = field(default_factory=Counter)
    notified: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    ledgers: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)  # seconds of one invocation, by function

    @classmethod
    def of(cls, window: Window, people: People, *, operations: int) -> Self:
        """The figures of a window that is quiet."""
        return cls(
            orders=len(people.orders),
            refunds=len(people.refunds),
            invocations=window.functions.invoked,
            deaths=window.functions.deaths,
            operations=operations,
            virtual_hours=(window.clock.time() - START) / 3600,
            outcomes=people.outcomes,
            faults=window.faults.happened,
            notified=window.courier.notified,
            limits=people.limits,
            ledgers=_ledgers(window),
            slowest=window.functions.slowest,
        )

    def add(self, other: "Figures") -> None:
        """Count another window's in."""
        for name in ("orders", "refunds", "invocations", "deaths", "operations", "virtual_hours"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("outcomes", "faults", "notified", "limits", "ledgers"):
            getattr(self, name).update(getattr(other, name))
        for function, seconds in other.slowest.items():
            self.slowest[function] = max(seconds, self.slowest.get(function, 0.0))

    def differing(self) -> list[str]:
        """Where two ledgers' sums differ."""
        sums, pairs = self.ledgers, ("paid", "refunded")
        found = [
            f"{what}: {sums[f'{what} here']} fen here, {sums[f'{what} at WeChat Pay']} fen at WeChat Pay"
            for what in pairs
            if sums[f"{what} here"] != sums[f"{what} at WeChat Pay"]
        ]
        if sums["events in histories"] != sums["events on the bus"]:
            found.append(
                f"{sums['events in histories']} events happened, {sums['events on the bus']} on the bus"
            )
        return found


@dataclass(frozen=True)
class Result:
    """One window's end: its number, how long it took, its figures, what differed, and the process's memory."""

    number: int
    seconds: float
    figures: Figures
    differences: tuple[str, ...]
    process: int
    memory: int  # bytes at most so far


def _ledgers(window: Window) -> Counter[str]:
    items = window.images.payments.values()
    ours = {number for item in items for number in item["refunds"]}
    marked = {item["out_trade_no"] for item in items if item.get("refunded_elsewhere")}

    def known(order: str, refund: str) -> bool:
        return refund in ours or order not in marked

    def unknown(order: str, refund: str) -> bool:
        return not known(order, refund)

    orders = window.orders()
    sums = Counter(
        {
            "paid here": sum(item["paid"] for item in items),
            "refunded here": sum(item["refunded"] for item in items),
            "paid at WeChat Pay": sum(_paid(order) for order in orders),
            "refunded at WeChat Pay": sum(_refunded(order, known) for order in orders),
            "refunded at WeChat Pay, of which nothing but that is known": sum(
                _refunded(order, unknown) for order in orders
            ),
            "events in histories": sum("event" in entry for item in items for entry in item["history"]),
            "events on the bus": len({event["detail"]["id"] for event in window.bus.events}),
        }
    )
    for item in items:
        sums[f"payments {item['status']}"] += 1
    return sums


def _paid(order: Mapping[str, Any]) -> int:
    return int(order["amount"]["total"]) if "transaction_id" in order else 0


def _refunded(order: Mapping[str, Any], counted: Callable[[str, str], bool]) -> int:
    return sum(
        refund["amount"]["refund"]
        for refund in order["refunds"]
        if refund["status"] == "SUCCESS" and counted(order["out_trade_no"], refund["out_refund_no"])
    )
