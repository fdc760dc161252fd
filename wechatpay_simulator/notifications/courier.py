"""Carries notifications to the merchant: at once, then up the retry ladder of WeChat Pay, along the simulator's clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from wechatpay_simulator.agenda import Agenda
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.faults.fault_rule import NOTIFICATION, NOTIFICATION_EFFECTS, SIGNATURE_EFFECTS, Rule
from wechatpay_simulator.faults.faults import Faults
from wechatpay_simulator.faults.faulty_signature import faulty_signature
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import on_this_machine, post
from wechatpay_simulator.protocol.signing import Signer
from wechatpay_simulator.watching.log import Log
from wechatpay_simulator.watching.words import line_of

# Seconds between one delivery and the next (WeChat Pay APIv3, Payment notification: retries), 24 h 4 min in all.
LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ACCEPTED = (200, 204)
HEADERS = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}
NOT_SENT = "not_sent: notify_url is not on this machine (--notify-host allows others)"
DROPPED = "dropped"

_HELD_AT_MOST = 15  # seconds on the clock that a reordered attempt waits for another notification


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


@dataclass(frozen=True)
class _Attempt:
    """The next try of a notification: `rung` counts the tries before it."""

    notification: Notification
    rung: int


class Courier:
    """Delivers in threads of its own; remembers every attempt, in order.

    `signer` gives the key for each of them, told the key that the notification was asked to be signed with, or None.
    `notify_hosts` are hosts besides this machine that are called (see host_name).
    """

    def __init__(
        self,
        signer: Callable[[str | None], Signer],
        faults: Faults,
        clock: Timepiece,
        log: Log | None = None,
        *,
        notify_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._signer = signer
        self._log = log
        self._notify_hosts = notify_hosts
        self._faults = faults
        self._clock = clock
        self._agenda = Agenda(clock, name="notification-ladder")
        self._lock = threading.Lock()
        self._deliveries: list[Delivery] = []
        self._notifications: dict[str, Notification] = {}
        self._accepted: set[str] = set()
        self._held: list[_Attempt] = []  # reordered: behind the next attempt of another notification
        self._stopped = False

    def send(self, notification: Notification) -> None:
        """Deliver now, and again by the ladder until the merchant answers 200 or 204.

        Returns at once; unless a fault delays it, the attempt stands in `deliveries` by then.
        """
        with self._lock:
            self._notifications[notification.id] = notification
        self._climb(_Attempt(notification, rung=0))

    def send_again(self, notification_id: str) -> Delivery:
        """Deliver once more, off the ladder and without faults; return what came of it. Raises KeyError for an unknown id."""
        with self._lock:
            notification = self._notifications[notification_id]
        return self._carry(*self._sealed(notification))

    def deliveries(self) -> list[Delivery]:
        """Every attempt so far, oldest first."""
        with self._lock:
            return list(self._deliveries)

    def wake(self) -> None:
        """Look at the clock now: it was advanced."""
        self._agenda.wake()

    def stop(self) -> None:
        """Forget what still waits. Deliveries under way end by themselves."""
        with self._lock:
            self._stopped = True
            self._held.clear()
        self._agenda.stop()

    def _climb(self, attempt: _Attempt) -> None:
        """Make the attempt, as the fault rules will have it, unless the merchant has accepted meanwhile."""
        with self._lock:
            if self._stopped or attempt.notification.id in self._accepted:
                return
            fault = self._fault(attempt)
            if fault is not None and fault.effect == "reorder":
                self._held.append(attempt)
        if fault is None:
            self._depart(attempt)
        elif fault.effect == "reorder":
            self._agenda.put(self._clock.time() + _HELD_AT_MOST, partial(self._release, attempt))
        elif fault.effect == "delay":
            due = self._clock.time() + fault.parameters["seconds"]
            self._agenda.put(due, partial(self._depart, attempt))
        else:
            self._depart(attempt, fault)

    def _fault(self, attempt: _Attempt) -> Rule | None:
        """What goes wrong with this attempt. While another notification is held back, this one is what it waits for."""
        effects: tuple[str, ...] = NOTIFICATION_EFFECTS
        if any(held.notification.id != attempt.notification.id for held in self._held):
            effects = tuple(effect for effect in effects if effect != "reorder")
        return self._faults.take(NOTIFICATION, *effects)

    def _depart(self, attempt: _Attempt, fault: Rule | None = None) -> None:
        """Send the attempt, or its copies, in threads; only the first copy goes on up the ladder."""
        effect = "" if fault is None else fault.effect
        copies = fault.parameters["copies"] if fault is not None and effect == "duplicate" else 1
        for copy in range(copies):
            place, delivery = self._sealed(attempt.notification, effect)
            target = self._attempt if copy == 0 else self._carry
            arguments = (place, delivery, attempt) if copy == 0 else (place, delivery)
            threading.Thread(target=target, args=arguments, name="notification", daemon=True).start()

    def _attempt(self, place: int, delivery: Delivery, attempt: _Attempt) -> None:
        """Deliver; when that is not accepted, put the next rung on the agenda."""
        delivery = self._carry(place, delivery)
        if delivery.status in ACCEPTED or delivery.status == NOT_SENT or attempt.rung >= len(LADDER):
            return
        # Counted from the beginning of the attempt: a slow refusal does not move the ladder.
        due = delivery.at + LADDER[attempt.rung]
        self._agenda.put(due, partial(self._climb, replace(attempt, rung=attempt.rung + 1)))

    def _sealed(self, notification: Notification, effect: str = "") -> tuple[int, Delivery]:
        """A newly signed attempt, entered in the list; with its place there."""
        signer, body = self._signer(notification.serial), notification.body
        faulty = effect in SIGNATURE_EFFECTS
        headers = {
            **HEADERS,
            **(faulty_signature(effect, signer, body) if faulty else signer.headers(body)),
        }
        status = DROPPED if effect == "drop" else "sending"
        delivery = Delivery(notification, headers, status, self._clock.time(), effect)
        with self._lock:
            self._deliveries.append(delivery)
            return len(self._deliveries) - 1, delivery

    def _carry(self, place: int, delivery: Delivery) -> Delivery:
        """Post the attempt and enter what came of it; what waited behind it goes out then."""
        notification = delivery.notification
        if delivery.status == DROPPED:
            self._write(delivery)
            return delivery
        status: int | str = NOT_SENT
        if on_this_machine(notification.url, others=self._notify_hosts):
            status = post(notification.url, delivery.headers, notification.body, others=self._notify_hosts)
        delivery = replace(delivery, status=status)
        with self._lock:
            self._deliveries[place] = delivery
            if status in ACCEPTED:
                self._accepted.add(notification.id)
            behind = [held for held in self._held if held.notification.id != notification.id]
        self._write(delivery)
        for held in behind:
            self._release(held)
        return delivery

    def _write(self, delivery: Delivery) -> None:
        if self._log is not None:
            self._log.line(line_of(delivery.notification, delivery.status, delivery.fault))

    def _release(self, held: _Attempt) -> None:
        """Send what was held back, once."""
        with self._lock:
            if held not in self._held:
                return
            self._held.remove(held)
        self._depart(held)
