"""A day of orders in a minute: sweep and settle on a virtual clock, with the product's own ladder, classes and budget.

WeChat Pay, the table and the queues are lists here; what a look takes is measured elsewhere and given. Everything is decided by the seed.
"""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from payments.core import backlog, schedule
from payments.core.lifecycle import Status

MINUTE = 60
SHARDS = 16
LEASES_A_SECOND = 400  # by the threads of one sweep; each also shares a SendMessageBatch with nine others
NEVER = 10**12


@dataclass(frozen=True)
class Times:
    """Seconds that one message takes in a place of settle."""

    look: float = 0.4  # WeChat Pay answers in 0.2; the rest is three calls of DynamoDB and Lambda's own
    close: float = 0.3  # beyond that
    stale: float = 0.03  # a payment that has been looked at since: one read
    away: float = 10.0  # WeChat Pay does not answer, on either host


_NONE: dict[str, Any] = {}


class Order:
    """As much of a payment as the ladder looks at."""

    __slots__ = (
        *("out_trade_no", "created_at", "updated_at", "time_expire", "status", "missing_since", "refunds"),
        *("due_at", "due_since", "leased", "key", "paid_at", "told_at", "ended_at"),
    )

    def __init__(self, number: str, created_at: int, life: int, paid_at: float, told_at: float) -> None:
        self.out_trade_no, self.created_at, self.updated_at = number, created_at, created_at
        self.time_expire, self.status = created_at + life, Status.PENDING
        self.missing_since, self.refunds = None, _NONE
        self.paid_at, self.told_at = paid_at, told_at
        self.due_at: int = created_at + schedule.FIRST_CHECK_SECONDS
        self.due_since: int | None = None
        self.leased = False
        self.key = ""
        self.ended_at: float | None = None

    @property
    def lost(self) -> bool:
        """Whether somebody paid, and nobody will tell."""
        return self.paid_at < NEVER <= self.told_at


def orders(
    *,
    rate: float,
    seconds: int,
    begin: int,
    seed: int,
    life: int = 7200,
    abandoned: float = 0.6,
    lost: float = 0.05,
) -> Iterator[Order]:
    """So many orders a second, for so long. Of those that are paid seven in ten are so within a minute, and one in twenty late."""
    chance = random.Random(seed)
    for place in range(int(rate * seconds)):
        created, paid, told = begin + int(place / rate), float(NEVER), float(NEVER)
        if chance.random() >= abandoned:
            kind = chance.random()
            late = (10, 60) if kind < 0.7 else (60, 600) if kind < 0.95 else (600, life - 300)
            paid = created + chance.uniform(*late)
            told = float(NEVER) if chance.random() < lost else paid + 2
        yield Order(f"WX{begin}-{place}", created, life, paid, told)


class Now:
    """The product's own rules."""

    def __init__(self, concurrency: int) -> None:
        self.places = concurrency

    def first(self, order: Order) -> int:
        return order.created_at + schedule.FIRST_CHECK_SECONDS

    def key(self, order: Any, at: int) -> str:
        return schedule.due_shard(order, at, SHARDS)

    def next(self, order: Any, now: int, *, answered: bool) -> int:
        at = schedule.next_look(order, now, answered=answered, may_send=False)
        assert at is not None
        return at

    def handed_out(self, index: "Index", now: int, waiting: int) -> list[Order]:
        free = max(2, backlog.room(at_once=self.places, a_second=backlog.LOOKS_A_SECOND, waiting=waiting))
        most = 2 * free // SHARDS + 1
        rows = [
            sorted(
                (row for key in schedule.keys(each, SHARDS) for row in index.due(key, now, most)),
                key=lambda row: row.due_at,
            )
            for each in (schedule.MONEY, schedule.EXPIRED)
        ]
        taken = backlog.turns(free, rows)
        left = [
            each[len(chosen)].due_at
            for chosen, each in zip(taken, rows, strict=True)
            if len(each) > len(chosen)
        ]
        chosen = [order for each in taken for order in each]
        for each, first in zip(rows, taken, strict=True):
            for order in each[len(first) :]:
                index.put(order, order.key)
        since = [order.due_at if order.due_since is None else order.due_since for order in chosen]
        self.oldest = now - min([*since, *left], default=now)
        return chosen

    def leased(self, order: Order, until: int) -> None:
        order.due_since = order.due_at if order.due_since is None else order.due_since
        order.due_at = until


class Before:
    """The rules before there were classes and a budget: 200 of each shard in a run, two places, a look each ten minutes."""

    places = 2
    _LADDER = (10, 60, 180, 600)

    def first(self, order: Order) -> int:
        return order.created_at + 10

    def key(self, order: Order, at: int) -> str:
        return schedule.shard(order.out_trade_no, SHARDS)

    def next(self, order: Order, now: int, *, answered: bool) -> int:
        last = order.time_expire + 60
        rung = next(
            (order.created_at + step for step in self._LADDER if order.created_at + step > now), now + 600
        )
        return min(rung, last) if now < last and order.status is Status.PENDING else now + 60

    def handed_out(self, index: "Index", now: int, waiting: int) -> list[Order]:
        chosen = [row for shard in range(SHARDS) for row in index.due(f"money#{shard}", now, 200)]
        self.oldest = now - min((order.due_at for order in chosen), default=now)
        return chosen

    def leased(self, order: Order, until: int) -> None:
        order.due_at = until


class Index:
    """The sparse index: by key, ordered by due_at. Rows that an order has left are found when they come up."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, str, Order]]] = defaultdict(list)

    def put(self, order: Order, key: str) -> None:
        order.key = key
        heapq.heappush(self._rows[key], (order.due_at, order.out_trade_no, order))

    def due(self, key: str, now: int, most: int) -> list[Order]:
        """Taken out; what is not leased is put back by the caller's run, for it still stands under its key."""
        rows, found = self._rows[key], []
        while rows and rows[0][0] <= now and len(found) < most:
            at, _, order = heapq.heappop(rows)
            if order.ended_at is None and (order.due_at, order.key) == (at, key):
                if order.told_at <= now:  # a notification has come meanwhile
                    order.ended_at = order.told_at
                    continue
                found.append(order)
        return found

    def count(self, now: int) -> int:
        """How many are due and not looked at, leased or not."""
        waiting = {
            order.out_trade_no
            for key, rows in self._rows.items()
            for at, _, order in rows
            if order.ended_at is None
            and (order.due_at, order.key) == (at, key)
            and order.told_at > now
            and (at <= now or order.leased)
        }
        return len(waiting)


@dataclass
class Course:
    """What became of it all."""

    oldest: dict[int, int] = field(default_factory=dict)  # OldestDueSeconds by minute
    waiting: dict[int, int] = field(default_factory=dict)  # messages in the queue
    looks: int = 0
    fruitless: int = 0
    stale: int = 0
    due_when: dict[int, int] = field(default_factory=dict)  # payments due at the moments that were asked for
    ended: list[Order] = field(default_factory=list)

    def found_after(self, *, opened: tuple[float, float] = (0, NEVER), since: float = 0) -> list[float]:
        """Seconds from payment (or `since`, where that was later) until a payment that nobody told of was found."""
        return sorted(
            order.ended_at - max(order.paid_at, since)
            for order in self.ended
            if order.lost and order.ended_at is not None and opened[0] <= order.created_at < opened[1]
        )


def run(
    rules: Now | Before,
    arriving: Iterator[Order],
    *,
    begin: int,
    end: int,
    away: tuple[int, int] = (NEVER, NEVER),
    times: Times = Times(),
) -> Course:
    """Minute by minute from `begin` to `end`. Between the two of `away` WeChat Pay does not answer."""
    index, course = Index(), Course()
    queue: deque[tuple[float, Order, int]] = deque()
    free = [float(begin)] * rules.places
    coming = next(arriving, None)
    for now in range(begin, end, MINUTE):
        while coming is not None and coming.created_at < now:
            coming.due_at = rules.first(coming)
            index.put(coming, rules.key(coming, coming.due_at))
            coming = next(arriving, None)
        if now == away[1]:
            course.due_when[now] = index.count(now)
        waiting = len(queue)
        course.waiting[now] = waiting
        chosen = rules.handed_out(index, now, waiting)
        course.oldest[now] = rules.oldest
        _lease(chosen, rules, index, queue, now)
        while queue and free[0] < now + MINUTE and queue[0][0] < now + MINUTE:
            sent, order, lease = queue.popleft()
            at = max(heapq.heappop(free), sent)
            heapq.heappush(free, at + _taken(order, lease, at, rules, index, course, away, times))
    course.due_when[end] = index.count(end)
    return course


def _lease(
    chosen: list[Order], rules: Now | Before, index: Index, queue: deque[tuple[float, Order, int]], now: int
) -> None:
    until = now + backlog.LEASE_SECONDS
    for place, order in enumerate(chosen):
        rules.leased(order, until)
        order.leased = True
        index.put(order, order.key)
        queue.append((now + place / LEASES_A_SECOND, order, until))


def _taken(
    order: Order,
    lease: int,
    at: float,
    rules: Now | Before,
    index: Index,
    course: Course,
    away: tuple[int, int],
    times: Times,
) -> float:
    """One message in one place: what it changes, and the seconds that it takes."""
    now = int(at)
    if order.ended_at is None and order.told_at <= at:
        order.ended_at = order.told_at
    if order.ended_at is not None or order.due_at != lease:
        course.stale += 1
        return times.stale
    course.looks += 1
    if away[0] <= at < away[1]:
        course.fruitless += 1
        _again(order, rules, index, now, answered=False)
        return times.away
    if order.paid_at <= at:
        order.ended_at = at
        course.ended.append(order)
        return times.look
    if at >= order.time_expire + schedule.AFTER_EXPIRY_SECONDS:
        order.ended_at = at
        course.ended.append(order)
        return times.look + times.close
    order.due_since = None
    _again(order, rules, index, now, answered=True)
    return times.look


def _again(order: Order, rules: Now | Before, index: Index, now: int, *, answered: bool) -> None:
    order.due_at, order.leased = rules.next(order, now, answered=answered), False
    index.put(order, rules.key(order, order.due_at))
