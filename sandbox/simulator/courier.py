"""Carries notifications to the merchant: at once, then up the retry ladder of WeChat Pay, along the simulator's clock."""

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.simulator.clock import Timepiece
from sandbox.simulator.notification import Notification
from sandbox.simulator.post import on_this_machine, post

# Seconds between one delivery and the next (WeChat Pay APIv3, Payment notification: retries), 24 h 4 min in all.
LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ACCEPTED = (200, 204)
NOT_SENT = "not_sent: notify_url is not on this machine"

_TICK = 0.02  # seconds of real time between two looks at a clock that anybody may advance


@dataclass(frozen=True)
class Delivery:
    """One attempt, at `at` seconds since the epoch on the simulator's clock.

    `status` is the HTTP status that the merchant answered, or a word when there was none: `sending`, `timeout`,
    `unreachable`, or NOT_SENT.
    """

    notification: Notification
    headers: dict[str, str]
    status: int | str
    at: float


class Courier:
    """Delivers in threads of its own; remembers every attempt, in order."""

    def __init__(self, sign: Callable[[bytes], dict[str, str]], clock: Timepiece) -> None:
        self._sign = sign
        self._clock = clock
        self._condition = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._notifications: dict[str, Notification] = {}
        self._accepted: set[str] = set()
        self._waiting: list[tuple[float, int, Notification, int]] = []  # due, tie-breaker, what, rung
        self._order = itertools.count()
        self._timekeeper: threading.Thread | None = None
        self._stopped = False

    def send(self, notification: Notification) -> None:
        """Deliver now, and again by the ladder until the merchant answers 200 or 204.

        Returns at once; the attempt stands in `deliveries` by then.
        """
        with self._condition:
            self._notifications[notification.id] = notification
        self._climb(notification, rung=0)

    def send_again(self, notification_id: str) -> Delivery:
        """Deliver once more, off the ladder, and return what came of it. Raises KeyError for an unknown id."""
        with self._condition:
            notification = self._notifications[notification_id]
        return self._carry(*self._sealed(notification))

    def deliveries(self) -> list[Delivery]:
        """Every attempt so far, oldest first."""
        with self._condition:
            return list(self._deliveries)

    def wake(self) -> None:
        """Look at the clock now: it was advanced."""
        with self._condition:
            self._condition.notify_all()

    def stop(self) -> None:
        """Forget what still waits. Deliveries under way end by themselves."""
        with self._condition:
            self._stopped = True
            self._waiting.clear()
            self._condition.notify_all()

    def _climb(self, notification: Notification, *, rung: int) -> None:
        """Make one attempt in a thread, unless the merchant has accepted meanwhile."""
        with self._condition:
            if self._stopped or notification.id in self._accepted:
                return
        place, delivery = self._sealed(notification)
        threading.Thread(
            target=self._attempt, args=(place, delivery, rung), name="notification", daemon=True
        ).start()

    def _attempt(self, place: int, delivery: Delivery, rung: int) -> None:
        """Deliver; when that is not accepted, put the next rung on the list."""
        delivery = self._carry(place, delivery)
        if delivery.status in ACCEPTED or delivery.status == NOT_SENT or rung >= len(LADDER):
            return
        with self._condition:
            if self._stopped:
                return
            # Counted from the beginning of the attempt: a slow refusal does not move the ladder.
            due = delivery.at + LADDER[rung]
            heapq.heappush(self._waiting, (due, next(self._order), delivery.notification, rung + 1))
            if self._timekeeper is None:
                self._timekeeper = threading.Thread(
                    target=self._keep_time, name="notification-ladder", daemon=True
                )
                self._timekeeper.start()
            self._condition.notify_all()

    def _sealed(self, notification: Notification) -> tuple[int, Delivery]:
        """A newly signed attempt, entered in the list; with its place there."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Mozilla/4.0",
            **self._sign(notification.body),
        }
        delivery = Delivery(notification, headers, "sending", self._clock.time())
        with self._condition:
            self._deliveries.append(delivery)
            return len(self._deliveries) - 1, delivery

    def _carry(self, place: int, delivery: Delivery) -> Delivery:
        """Post the attempt and enter what came of it."""
        notification = delivery.notification
        status: int | str = NOT_SENT
        if on_this_machine(notification.url):
            status = post(notification.url, delivery.headers, notification.body)
        delivery = replace(delivery, status=status)
        with self._condition:
            self._deliveries[place] = delivery
            if status in ACCEPTED:
                self._accepted.add(notification.id)
        return delivery

    def _keep_time(self) -> None:
        while True:
            with self._condition:
                if self._stopped:
                    return
                now = self._clock.time()
                released = []
                while self._waiting and self._waiting[0][0] <= now:
                    released.append(heapq.heappop(self._waiting))
                if not released:
                    self._condition.wait(_TICK if self._waiting else None)
            for _, _, notification, rung in released:
                self._climb(notification, rung=rung)
