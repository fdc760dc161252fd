"""Carries notifications to the merchant: at once, then up the retry ladder of WeChat Pay, along the simulator's clock."""

import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial

from wechatpay_simulator.agenda import Agenda
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.faults.fault_rule import NOTIFICATION, NOTIFICATION_EFFECTS, SIGNATURE_EFFECTS, Rule
from wechatpay_simulator.faults.faults import Faults
from wechatpay_simulator.faults.faulty_signature import faulty_signature
from wechatpay_simulator.forgetting.bound import Bound
from wechatpay_simulator.notifications.deliveries import SENDING, Deliveries, Delivery
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
        self._deliveries = Deliveries()
        self._notifications: dict[str, Notification] = {}
        self._of_no_order: dict[str, None] = {}  # ids, the oldest first
        self._climbing: set[str] = set()  # neither accepted nor given up
        self._held: list[_Attempt] = []  # reordered: behind the next attempt of another notification
        self._stopped = False

    def send(self, notification: Notification) -> None:
        """Deliver now, and again by the ladder until the merchant answers 200 or 204.

        Returns at once; unless a fault delays it, the attempt stands in `deliveries` by then.
        """
        with self._lock:
            self._notifications[notification.id] = notification
            self._climbing.add(notification.id)
            if notification.out_trade_no is None:
                self._of_no_order[notification.id] = None
        self._climb(_Attempt(notification, rung=0))

    def send_again(self, notification_id: str) -> Delivery:
        """Deliver once more, off the ladder and without faults; return what came of it. Raises KeyError for an unknown id, and of
        any once it is stopped."""
        with self._lock:
            notification = self._notifications[notification_id]
        sealed = self._sealed(notification)
        if sealed is None:
            raise KeyError(notification_id)
        return self._carry(*sealed)

    def deliveries(self) -> list[Delivery]:
        """Every attempt so far, oldest first."""
        return self._deliveries.so_far()

    def wait_for(self, holds: Callable[[Sequence[Delivery]], bool], seconds: float) -> bool:
        """Whether it `holds` of the attempts, now or within so many seconds of real time."""
        return self._deliveries.wait_for(holds, seconds)

    def wake(self) -> None:
        """Look at the clock now: it was advanced."""
        self._agenda.wake()

    def waiting(self) -> set[str]:
        """The orders that somebody has yet to be told of: a notification has been neither accepted nor given up."""
        with self._lock:
            climbing = (self._notifications[each].out_trade_no for each in self._climbing)
            return {number for number in climbing if number is not None}

    def forget(self, orders: AbstractSet[str], bound: Bound, *, deliveries: int) -> None:
        """Forget the notifications of these orders, and those of no order as `bound` says.

        Of more than twice so many deliveries so many are kept, whatever they are of.
        """
        with self._lock:
            is_due = bound.is_due(len(self._of_no_order))
            if not orders and not is_due and len(self._deliveries) <= 2 * deliveries:
                return
            gone = {each.id for each in self._notifications.values() if each.out_trade_no in orders}
            if is_due:
                gone.update(bound.beyond(list(self._of_no_order), lambda each: each not in self._climbing))
            for each in gone:
                del self._notifications[each]
                self._of_no_order.pop(each, None)
            self._climbing -= gone
            self._held = [held for held in self._held if held.notification.id not in gone]
            self._deliveries.keep(self._notifications, deliveries)
            self._agenda.keep(self._notifications)

    def stop(self) -> None:
        """Forget what still waits, and begin nothing. Deliveries under way end by themselves: see `wait_for`."""
        with self._lock:
            self._stopped = True
            self._held.clear()
        self._deliveries.end()
        self._agenda.stop()

    def _climb(self, attempt: _Attempt) -> None:
        """Make the attempt, as the fault rules will have it, unless the merchant has accepted meanwhile."""
        with self._lock:
            if self._stopped or attempt.notification.id not in self._climbing:
                return
            fault = self._fault(attempt)
            if fault is not None and fault.effect == "reorder":
                self._held.append(attempt)
        if fault is None:
            self._depart(attempt)
        elif fault.effect == "reorder":
            due = self._clock.time() + _HELD_AT_MOST
            self._agenda.put(due, partial(self._release, attempt), of=attempt.notification.id)
        elif fault.effect == "delay":
            due = self._clock.time() + fault.parameters["seconds"]
            self._agenda.put(due, partial(self._depart, attempt), of=attempt.notification.id)
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
            sealed = self._sealed(attempt.notification, effect)
            if sealed is None:
                return
            target = self._attempt if copy == 0 else self._carry
            arguments = (*sealed, attempt) if copy == 0 else sealed
            threading.Thread(target=target, args=arguments, name="notification", daemon=True).start()

    def _attempt(self, place: int, delivery: Delivery, attempt: _Attempt) -> None:
        """Deliver; when that is not accepted, put the next rung on the agenda."""
        delivery = self._carry(place, delivery)
        if delivery.status in ACCEPTED or delivery.status == NOT_SENT or attempt.rung >= len(LADDER):
            with self._lock:
                self._climbing.discard(attempt.notification.id)
            return
        # Counted from the beginning of the attempt: a slow refusal does not move the ladder.
        due = delivery.at + LADDER[attempt.rung]
        following = replace(attempt, rung=attempt.rung + 1)
        self._agenda.put(due, partial(self._climb, following), of=attempt.notification.id)

    def _sealed(self, notification: Notification, effect: str = "") -> tuple[int, Delivery] | None:
        """A newly signed attempt, entered in the list; with its place there. None once it is stopped."""
        signer, body = self._signer(notification.serial), notification.body
        faulty = effect in SIGNATURE_EFFECTS
        headers = {
            **HEADERS,
            **(faulty_signature(effect, signer, body) if faulty else signer.headers(body)),
        }
        status = DROPPED if effect == "drop" else SENDING
        delivery = Delivery(notification, headers, status, self._clock.time(), effect)
        place = self._deliveries.enter(delivery)
        return None if place is None else (place, delivery)

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
            if status in ACCEPTED:
                self._climbing.discard(notification.id)
            behind = [held for held in self._held if held.notification.id != notification.id]
        self._write(delivery)
        self._deliveries.become(place, delivery)
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
