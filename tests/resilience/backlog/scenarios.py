"""The courses that are looked at: a steady shop, many payments due at once, and WeChat Pay away for an hour."""

from dataclasses import dataclass
from itertools import chain

from tests.resilience.backlog.figures import Figures, Remembered, figures, share, span
from tests.resilience.backlog.simulation import MINUTE, Before, Course, Now, Order, orders, run

BEGIN = 1_800_000_000
HOUR = 3600


def steady(rules: Now | Before, *, rate: float, hours: float, seed: int = 1) -> tuple[Figures, Course]:
    """So many orders a second; 60 of 100 are abandoned, and of the payments 5 of 100 are told by nobody."""
    end = BEGIN + int(hours * HOUR)
    seen = Remembered(orders(rate=rate, seconds=end - BEGIN, begin=BEGIN, seed=seed))
    course = run(rules, iter(seen), begin=BEGIN, end=end)
    return figures(course, seen, begin=BEGIN, end=end), course


def at_once(rules: Now | Before, *, many: int, hours: float = 2.5, seed: int = 1) -> Figures:
    """So many unfinished orders become due in one moment; one in twenty of them has been paid, and nobody told."""
    seen = Remembered(_waiting(many))
    course = run(rules, iter(seen), begin=BEGIN, end=BEGIN + int(hours * HOUR))
    return figures(course, seen, begin=BEGIN, end=BEGIN + int(hours * HOUR), since=BEGIN + MINUTE)


def _waiting(many: int) -> list[Order]:
    paid = [BEGIN + 5.0 if place % 20 == 0 else float(10**12) for place in range(many)]
    return [Order(f"WX{place}", BEGIN, 2 * HOUR, each, float(10**12)) for place, each in enumerate(paid)]


@dataclass(frozen=True)
class Outage:
    """WeChat Pay was away for an hour. Times in seconds since it was back."""

    due: int  # payments that were due by then
    found: Figures  # of those that were paid before
    closed: float  # until the last that had expired by then was closed
    fresh: Figures  # of the orders that were opened afterwards
    fruitless: int  # looks into an hour of silence

    def __str__(self) -> str:
        return (
            f"{self.due} due when it came back. Paid before: {self.found}. "
            f"The last that had expired was closed after {span(self.closed)}. Opened afterwards: {self.fresh.found} of "
            f"{self.fresh.lost} found, 95 of 100 after {span(self.fresh.most)}. {self.fruitless} looks while it was away"
        )


def outage(rules: Now | Before, *, before: float, after: float, hours: float = 4, seed: int = 1) -> Outage:
    """Orders for two hours, an hour of silence in which none can be opened, and then orders again, so many a second."""
    begin, back = BEGIN - 2 * HOUR, BEGIN + HOUR
    end = back + int(hours * HOUR)
    old = Remembered(orders(rate=before, seconds=2 * HOUR, begin=begin, seed=seed))
    fresh = Remembered(orders(rate=after, seconds=end - back, begin=back, seed=seed + 1))
    course = run(rules, chain(old, fresh), begin=begin, end=end, away=(BEGIN, back))
    expired = [
        order.ended_at - back
        for order in course.ended
        if order.created_at < BEGIN and order.time_expire < back and not order.lost and order.ended_at
    ]
    late = [order for order in course.ended if order.created_at >= back and order.lost]
    delays = sorted(order.ended_at - order.paid_at for order in late if order.ended_at)
    paid = sum(order.paid_at < end for order in fresh.lost)
    ringing = figures(course, old, begin=BEGIN, end=end, since=back)
    return Outage(
        due=course.due_when.get(back, 0),
        found=_since_it_was_back(old, back, ringing),
        closed=max(expired, default=0.0),
        fresh=Figures(
            paid, len(delays), share(delays, 0.5), share(delays, 0.95), share(delays, 1), 0, 0, None
        ),
        fruitless=course.fruitless,
    )


def _since_it_was_back(old: Remembered, back: int, all_of_it: Figures) -> Figures:
    waited = [order for order in old.lost if order.ended_at is None or order.ended_at >= back]
    ended = [order.ended_at for order in waited if order.ended_at is not None]
    delays = sorted(at - back for at in ended)
    return Figures(
        lost=len(waited),
        found=len(delays),
        half=share(delays, 0.5),
        most=share(delays, 0.95),
        last=share(delays, 1),
        oldest=all_of_it.oldest,
        waiting=all_of_it.waiting,
        rang=all_of_it.rang,
    )
