"""Schedules: several processes that act at once, of which one at a time makes its next effect, drawn from a seed.

Any effect may go wrong: its process dies before or after it, its answer is lost, it does not happen, the SDK repeats it, a
request arrives later. Afterwards nothing goes wrong any more, and everybody recovers.
"""

import contextlib
import random
import threading
from collections.abc import Callable
from typing import Any

from payments.core.errors import RefusedUpdate, StorageUnavailableError, TryAgainError
from payments.core.lifecycle import Status
from tests.checkouts.counter import DESKTOP, WECHAT, Counter, Person
from wechatpay.errors import RefusedError, UnknownOutcomeError

FAULTS = ("die_before", "die_after", "silent", "lost", "repeated", "late")
LATEST = 14  # seconds after which no request of a function that has ended arrives any more


class DiedError(BaseException):
    """The process ends here: nobody handles it."""


class Actor:
    """One process after another that does the same things; each effect waits for its turn."""

    def __init__(self, name: str, program: Callable[[], None], ready: threading.Semaphore) -> None:
        self.name = name
        self.turn = threading.Semaphore(0)
        self.done = False
        self.fault: BaseException | None = None
        self._program, self._ready = program, ready
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Called by its own thread before an effect."""
        self._ready.release()
        self.turn.acquire()

    def _run(self) -> None:
        try:
            self._program()
        except BaseException as fault:  # noqa: BLE001  the test's own thread tells it
            self.fault = fault
        finally:
            self.done = True
            self._ready.release()


class Schedule:
    """Two devices at one checkout, the buyers, and everything of the stack that goes on by itself."""

    def __init__(self, counter: Counter, seed: int, *, refunding: bool, faults: float) -> None:
        self.chance = random.Random(seed)
        self.counter = counter
        self.faults = faults
        self.violations: list[str] = []
        self.story: list[str] = []
        self._refunding = refunding
        self._ready = threading.Semaphore(0)
        self._late: list[tuple[float, Callable[[], Any]]] = []
        self._notifications: list[str] = []
        self._undelivered: list[dict[str, Any]] = []
        counter.settings(REFUND_DUPLICATES=str(refunding).lower())
        counter.ledger.closes_after = self.chance.choice((0, 0, 0, 30))
        if self.chance.random() < 0.1:
            counter.ledger.refuses["jsapi"] = "APPID_MCHID_NOT_MATCH"
        self.checkout = counter.kept()
        counter.identify(self.checkout, WECHAT, "o-alice")
        self._actors: dict[str, Actor] = {}

    def run(self) -> list[str]:
        """All of it; what went wrong that never may."""
        self.counter.around = self._met
        for name, program in (
            ("desktop", lambda: self._device(DESKTOP)),
            ("wechat", lambda: self._device(WECHAT)),
            ("stack", self._stack),
        ):
            self._actors[name] = Actor(name, program, self._ready)
        for actor in self._actors.values():
            actor.start()
            self._ready.acquire()
        while waiting := [actor for actor in self._actors.values() if not actor.done]:
            self._between()
            actor = self.chance.choice(waiting)
            actor.turn.release()
            self._ready.acquire()
            self._look(f"after an effect of {actor.name}")
        for actor in self._actors.values():
            if actor.fault is not None:
                raise actor.fault
        self._recover()
        return self.violations

    # ---- who does what ----

    def _device(self, person: Person) -> None:
        for _ in range(self.chance.randint(2, 5)):
            try:
                told = self.counter.open(self.checkout, person, take_over=self.chance.random() < 0.6)
            except DiedError:
                continue
            self.story.append(
                f"{person.kind}: {told.status} {told.body.get('status', told.body.get('code'))}"
            )
            if told.status not in (200, 429, 502, 503):
                self.violations.append(f"{person.kind} was told {told.status} {told.body}")
            if told.status == 200 and told.body["status"] == "waiting" and self.chance.random() < 0.3:
                self._pay_what_is_shown()

    def _stack(self) -> None:
        for _ in range(self.chance.randint(3, 8)):
            self._once(self.chance.choice((self._settle, self._notify, self._hear)))

    def _once(self, what: Callable[[], None]) -> None:
        # Lambda, the queue or WeChat Pay tries it again.
        with contextlib.suppress(DiedError, StorageUnavailableError, UnknownOutcomeError, TryAgainError):
            what()

    def _settle(self) -> None:
        self.counter.settle()

    def _notify(self) -> None:
        for number in list(self._notifications):
            self.counter.notify(number)
            self._notifications.remove(number)

    def _hear(self, again: float = 0.1) -> None:
        self._undelivered += self.counter.publish()
        for event in list(self._undelivered):
            heard = self.counter.deliver(event)
            if (
                heard and event in self._undelivered and self.chance.random() >= again
            ):  # else it comes once more
                self._undelivered.remove(event)

    def _pay_what_is_shown(self) -> None:
        for number in self.counter.ledger.payable()[:1]:
            self._pay(number)

    def _pay(self, number: str) -> None:
        if self.counter.ledger.pay(number):
            self.story.append(f"paid {number[-4:]}")
            self._notifications += [number] if self.chance.random() < 0.7 else []

    # ---- what passes meanwhile ----

    def _between(self) -> None:
        chance = self.chance.random()
        if chance < 0.25:
            self.counter.wait(self.chance.choice((1, 3, 3, 5, 16, 61)))
        elif chance < 0.28:
            self._pay_what_is_shown()
        elif chance < 0.31:
            closed = [n for n, entry in self.counter.ledger.orders.items() if entry.state == "CLOSED"]
            if closed:  # WeChat Pay takes money that it had said it would not
                number = self.chance.choice(closed)
                self.counter.ledger.pay_in_spite_of_everything(number)
                self._notifications.append(number)
                self.story.append(f"paid late {number[-4:]}")
        self._arrive()

    def _arrive(self) -> None:
        now = self.counter.clock.time
        for due, call in [each for each in self._late if each[0] <= now]:
            self._late.remove((due, call))
            with contextlib.suppress(RefusedUpdate, StorageUnavailableError, RefusedError):
                call()  # nobody hears what came of it

    def _met(self, name: str, call: Callable[[], Any]) -> Any:
        actor = self._actors.get(threading.current_thread().name)
        if actor is None:
            return call()
        actor.wait()
        if self.chance.random() >= self.faults:
            return call()
        mode = self.chance.choice(FAULTS)
        self.story.append(f"{actor.name}: {name} {mode}")
        return self._wrong(mode, name, call)

    def _wrong(self, mode: str, name: str, call: Callable[[], Any]) -> Any:
        if mode in ("die_after", "lost"):
            call()
        if mode.startswith("die"):
            raise DiedError
        if mode == "repeated":
            if not name.startswith("wechat."):
                call()
            return call()
        if mode == "late" and name.startswith("wechat."):
            self._late.append((self.counter.clock.time + LATEST, call))
            self.counter.clock.time += 10
        if name.startswith("wechat."):
            raise UnknownOutcomeError("ReadTimeout")
        raise StorageUnavailableError("ReadTimeoutError")

    # ---- what must always hold ----

    def _look(self, when: str) -> None:
        payable = self.counter.ledger.payable()
        if len(payable) > 1:
            self.violations.append(f"{when}: {len(payable)} orders can be paid")

    def _recover(self) -> None:
        """Nothing goes wrong any more: time passes until the checkout is over and nobody has anything left to do."""
        self.faults = 0.0
        counter = self.counter
        counter.ledger.closes_after = 0
        for moment in range(60):
            if (
                moment == 10
                and counter.stored(self.checkout).paid_by is not None
                and counter.ledger.payable()
            ):
                self.violations.append("the checkout is paid, and an order of it can still be")
            counter.wait(150)
            self._arrive()
            self._notify()
            counter.settle()
            self._hear(again=0)
            self._look("while recovering")
        if self._undelivered:
            self.violations.append(f"{len(self._undelivered)} events are in the queue for ever")
        self._judge()

    def _judge(self) -> None:
        counter, ledger = self.counter, self.counter.ledger
        paid = [number for number, entry in ledger.orders.items() if entry.state in ("SUCCESS", "REFUND")]
        stored = counter.stored(self.checkout)
        if ledger.payable():
            self.violations.append("an order can still be paid when all is over")
        for number in paid:
            payment = counter.payment(number)
            told = [e["detail-type"] for e in counter.events if e["detail"]["outTradeNo"] == number]
            if payment.status.rank < Status.PAID.rank or told.count("PaymentSucceeded") != 1:
                self.violations.append(f"money of {number} is {payment.status}, told {told}")
            duplicate = number != stored.paid_by
            if told.count("PaymentDuplicated") != int(duplicate):
                self.violations.append(f"{number} duplicate={duplicate}, told {told}")
            gone = sum(refund["amount"]["refund"] for refund in ledger.orders[number].refunds.values())
            if gone != (1000 if duplicate and self._refunding else 0) or payment.refunded != gone:
                self.violations.append(f"{gone} fen of {number} went back, the table says {payment.refunded}")
        if (stored.paid_by is not None) != bool(paid):
            self.violations.append(f"paid are {paid}, the checkout says {stored.paid_by}")
        if any(row["status"]["S"] in ("CREATING", "PENDING") for row in counter.db.items("PaymentsTable")):
            self.violations.append("a payment is still open when all is over")
        if counter.db.items("QuarantineTable"):
            self.violations.append("something lies in quarantine")
