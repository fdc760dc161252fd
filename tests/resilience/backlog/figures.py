"""What is measured of a backlog: how long until money is found, how late the looks are, and when the alarm rings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cloudformation.template import transformed
from tests.alarms.cloudwatch import Metrics, rings
from tests.resilience.backlog.simulation import Course, Order

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
MINUTE = 60
DIMENSIONS = [{"Name": "service", "Value": "backlog"}]


@dataclass(frozen=True)
class Figures:
    """Of the payments that nobody told of: how many there were, how many are found, and after how many seconds."""

    lost: int
    found: int
    half: float
    most: float
    last: float
    oldest: int  # OldestDueSeconds at its highest
    waiting: int  # due and not looked at, when it ended
    rang: tuple[int, int] | None  # minutes since the beginning: first and last with the alarm on

    def __str__(self) -> str:
        rang = "silent" if self.rang is None else f"rings from minute {self.rang[0]} to {self.rang[1]}"
        return (
            f"{self.found} of {self.lost} found; half after {span(self.half)}, 95 of 100 after {span(self.most)}, "
            f"the last after {span(self.last)}; oldest due {span(self.oldest)} at most; "
            f"{self.waiting} due at the end; the alarm {rang}"
        )


def span(seconds: float) -> str:
    """Seconds, minutes or hours, as they are read best."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def share(values: list[float], part: float) -> float:
    """The value that this part of them does not exceed; they are sorted."""
    return values[min(len(values) - 1, int(part * len(values)))] if values else 0.0


def rang(oldest: dict[int, int]) -> list[int]:
    """The minutes (epoch seconds) in which the template's alarm on the oldest due payment is on."""
    alarm: dict[str, Any] = transformed(TEMPLATE)["Resources"]["OldestDueAlarm"]["Properties"]
    alarm = {**alarm, "Dimensions": DIMENSIONS}
    metrics = Metrics()
    for at, value in oldest.items():
        metrics.put("WeChatPay", "OldestDueSeconds", {"service": "backlog"}, value, at)
    return [at for at in oldest if rings(alarm, metrics, now=at)]


class Remembered:
    """Hands orders on, and remembers those that only a look can find."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._orders = orders
        self.all = 0
        self.lost: list[Order] = []

    def __iter__(self) -> Iterator[Order]:
        for order in self._orders:
            self.all += 1
            if order.lost:
                self.lost.append(order)
            yield order


def figures(course: Course, seen: Remembered, *, begin: int, end: int, since: float = 0) -> Figures:
    """Of one course. `since`: a delay counts from there, where the payment was made before."""
    paid = [order for order in seen.lost if order.paid_at < end]
    delays = course.found_after(since=since)
    minutes = rang(course.oldest)
    return Figures(
        lost=len(paid),
        found=len(delays),
        half=share(delays, 0.5),
        most=share(delays, 0.95),
        last=delays[-1] if delays else 0.0,
        oldest=max(course.oldest.values(), default=0),
        waiting=course.due_when[end],
        rang=((minutes[0] - begin) // MINUTE, (minutes[-1] - begin) // MINUTE) if minutes else None,
    )
