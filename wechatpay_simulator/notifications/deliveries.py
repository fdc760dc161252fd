"""What was delivered so far, and how it was answered: every attempt, in order, for whoever waits for one."""

import itertools
import threading
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from wechatpay_simulator.forgetting.bound import forget_first
from wechatpay_simulator.notifications.notification import Notification

SENDING = "sending"


@dataclass(frozen=True)
class Delivery:
    """One attempt, at `at` seconds since the epoch on the simulator's clock.

    `status` is the HTTP status that the merchant answered, or a word when there was none: `sending`, `timeout`,
    `unreachable`, NOT_SENT, or DROPPED when a fault rule lost it on the way. `fault` is the effect of such a rule, or "".
    """

    notification: Notification
    headers: dict[str, str]
    status: int | str
    at: float
    fault: str = ""


class Deliveries:
    """Attempts by their place, which is a number. Threads may share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._by_place: dict[int, Delivery] = {}
        self._places = itertools.count()
        self._ended = False

    def __len__(self) -> int:
        return len(self._by_place)

    def enter(self, delivery: Delivery) -> int | None:
        """The place of an attempt that begins; None when none may begin any more."""
        with self._changed:
            if self._ended:
                return None
            place = next(self._places)
            self._by_place[place] = delivery
            self._changed.notify_all()
            return place

    def become(self, place: int, delivery: Delivery) -> None:
        """What came of the attempt, unless it was forgotten meanwhile."""
        with self._changed:
            if place in self._by_place:
                self._by_place[place] = delivery
            self._changed.notify_all()

    def so_far(self) -> list[Delivery]:
        """Every attempt, oldest first."""
        with self._changed:
            return list(self._by_place.values())

    def wait_for(self, holds: Callable[[Sequence[Delivery]], bool], seconds: float) -> bool:
        """Whether it `holds` of the attempts, now or within so many seconds of real time."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(list(self._by_place.values())), seconds)

    def end(self) -> None:
        """No attempt may begin from now on."""
        with self._changed:
            self._ended = True

    def keep(self, notifications: Container[str], most: int) -> None:
        """Forget those of other notifications than these ids, and the oldest beyond `most`."""
        with self._changed:
            self._by_place = {
                place: each for place, each in self._by_place.items() if each.notification.id in notifications
            }
            forget_first(self._by_place, most)
