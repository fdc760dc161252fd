"""One run of a flow: its invocations with their faults, then everybody's recovery on the virtual clock, then the checks."""

import heapq
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sandbox.deployed import QueueMapping
from sandbox.triggers.batches import failures_of
from sandbox.triggers.queues import as_lambda_delivers
from tests.resilience.crash import invariants
from tests.resilience.crash.effects import Effects, Fault
from tests.resilience.crash.functions import Functions, Planted
from tests.resilience.crash.images import Images
from tests.resilience.crash.invariants import Promises
from tests.resilience.crash.modes import Modes
from tests.resilience.crash.notification import opened
from tests.resilience.crash.world import World
from wechatpay_simulator.notifications.courier import LADDER

HORIZON = 36 * 3600  # virtual seconds after which a run must be quiet …
INVOCATIONS = 200  # … and how many it may take
INVISIBLE = 361  # seconds until a message that failed is visible again: the queue's own, in template.yaml
RETRY_EVENT = (
    91,
) * 9  # seconds until an event in the queue of paid checkouts that failed is visible again, in template.yaml
RETRY_STREAM = 1  # seconds until a batch of the stream is delivered again
MINUTE = 60


@dataclass
class Reader:
    """A function that the stream is delivered to: what it has still to take, and when that is tried again."""

    function: str
    records: list[dict[str, Any]] = field(default_factory=list)
    again_at: float | None = None


class Run:
    """The stage for one flow. `counted` names the functions whose effects have numbers."""

    def __init__(
        self,
        world: World,
        *,
        counted: tuple[str, ...],
        faults: tuple[Fault, ...] = (),
        seed: int = 1,
        planted: Planted | None = None,
    ) -> None:
        self.number = world.next_run(phase=seed * 7 % MINUTE)
        self.world = world
        self.clock = world.clock
        self.name = f"crash {self.number}"
        self.chance = random.Random(f"{seed} {self.number}")
        self.modes = Modes(world.clock, rules=world.rules, later=self._later)
        self.effects = Effects(faults, self.modes, world.guard)
        self._faults = len(faults)
        self.images = Images()
        self.promises = Promises()
        self.courier = True  # whether notifications find their way
        self.violations: list[str] = []
        self.functions = Functions(self, counted=counted, planted=planted)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._arrivals: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        # The books are kept where they are what is looked at: every run would take a third longer.
        self._readers = [
            Reader(name) for name in ("publish", "journal") if name == "publish" or name in counted
        ]
        self._written = self._sent = -1
        self._messages_at: float | None = None
        self._swept_at = self._invoked = 0
        self._seen = (-1, -1)  # what the simulator had been asked for when we last looked
        self._refunds_under_way = False
        self._carried = {each["id"] for each in world.notifications()}
        self._events_before = self._heard = len(world.aws.events)

    # ---- the flow's own verbs ----

    def arm(self) -> None:
        """From here on effects are counted; what came before was preparation."""
        self._read_stream()
        self.functions.armed = True

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Have this done when the clock gets there."""
        heapq.heappush(self._agenda, (moment, next(self._order), what))

    def wait(self, seconds: float) -> None:
        """A function waits; requests that are still on their way arrive meanwhile."""
        self.clock.advance(seconds)
        self._arrive()

    def advance(self, seconds: float) -> None:
        """Move everybody's time forward."""
        if self._refunds_under_way:  # their ends are the simulator's own doing
            self.world.control("clock", {"advance": seconds})
        else:
            self.clock.advance(seconds)

    def invoke(self, function: str, event: dict[str, Any], *, aside: bool = False) -> dict[str, Any] | None:
        """One invocation, and what it wrote is published; None when it died or raised."""
        self._invoked += 1
        try:
            return self.functions.invoke(function, event, aside=aside)
        finally:
            self._look_around()

    def look(self) -> None:
        """See what notifications there are now, and have them delivered."""
        if self._seen == (seen := (self.effects.asked, self.world.stirred)):
            return
        self._seen = seen
        self._refunds_under_way = self.promises.refunds_asked > 0 and any(
            refund["status"] == "PROCESSING"
            for order in self.world.orders(self.name)
            for refund in order["refunds"]
        )
        for each in self.world.notifications():
            if each["id"] not in self._carried:
                self._carried.add(each["id"])
                if self.courier:
                    self.at(self.clock.time(), partial(self.deliver, each["id"], 0))

    # ---- until nothing is due any more ----

    def until_quiet(self) -> None:
        """Let time pass; every minute sweeps, every ladder is climbed. The first violation ends it."""
        end = self.clock.time() + HORIZON
        while not self.violations and not self.images.violations:
            self._look_around()
            self.look()
            moment = self._next()
            if moment is None:
                return
            if moment > end or self._invoked > INVOCATIONS:
                self.violations.append(
                    f"I6 not quiet after {HORIZON // 3600} h or {self._invoked} invocations"
                )
                return
            if moment > self.clock.time():
                self.advance(moment - self.clock.time())
                self.look()
            self._arrive()
            while self._agenda and self._agenda[0][0] <= self.clock.time():
                heapq.heappop(self._agenda)[2]()
            self._sweep_if_due()

    def check(self) -> list[str]:
        """Every violation of this run; its items are gone afterwards."""
        self._read_stream()
        payments, orders = self.images.payments, self.world.orders(self.name)
        books = self.world.books(payments) if len(self._readers) > 1 else None
        events = self.world.aws.events[self._events_before :]
        merchant = self.world.credentials
        secrets = {
            "APIv3 key": merchant.api_v3_key,
            "merchant's private key": merchant.merchant_private_key.splitlines()[2],
            **{
                f"{name} of {number}": str(item.get(name, ""))
                for number, item in payments.items()
                for name in ("code_url", "prepay_id", "h5_url", "payer_openid", "openid")
            },
        }
        for number in payments:
            self.world.forget(number)
        if len(self.effects.happened) != self._faults:
            self.violations.append(f"only {self.effects.happened} of {self._faults} faults happened")
        if early := [*self.violations, *self.images.violations]:
            return list(dict.fromkeys(early))
        found = [
            *invariants.agreement(payments, orders),
            *invariants.at_most_once(orders, self.promises),
            *invariants.published(payments, events),
            *invariants.ended(payments),
            *([] if books is None else invariants.journalled(*books)),
            *invariants.no_secret("log", self.world.logs.getvalue(), secrets),
            *invariants.no_secret("events", json.dumps(events), secrets),
            *[f"quarantined: {each.get('reason')}" for each in self.effects.quarantined],
        ]
        return list(dict.fromkeys(found))

    # ---- inside ----

    def _later(self, seconds: float, call: Callable[[], Any]) -> None:
        """A request that was given up arrives after all."""
        moment = self.clock.time() + seconds
        heapq.heappush(self._arrivals, (moment, next(self._order), self.functions.arriving(call)))

    def _arrive(self) -> None:
        while self._arrivals and self._arrivals[0][0] <= self.clock.time():
            heapq.heappop(self._arrivals)[2]()

    def _look_around(self) -> None:
        self._read_stream()
        for reader in self._readers:
            if reader.records and (reader.again_at is None or reader.again_at <= self.clock.time()):
                self._deliver_stream(reader)
        self._hear()

    def _hear(self) -> None:
        """What the bus has taken reaches the function behind the queue that its rule fills."""
        events = self.world.aws.events
        new, self._heard = events[self._heard :], len(events)
        for event in new:
            if event["detail-type"] == "PaymentSucceeded" and "checkoutId" in event["detail"]:
                told = {"detail-type": event["detail-type"], "detail": event["detail"]}
                self.at(self.clock.time(), partial(self._tell, told, RETRY_EVENT))

    def _tell(self, event: dict[str, Any], waits: tuple[int, ...]) -> None:
        """The queue hands it over, and again after each wait for as long as it fails."""
        number = event["detail"]["id"]
        answer = self.invoke("checkout_paid", {"Records": [{"messageId": number, "body": json.dumps(event)}]})
        if answer is not None and failures_of(answer, [number]) == set():
            return
        if waits:
            self.at(self.clock.time() + waits[0], partial(self._tell, event, waits[1:]))
        else:
            self.violations.append(f"given up: {number}")

    def _read_stream(self) -> None:
        if (written := self.world.aws.writes(self.world.table)) == self._written:
            return
        self._written = written
        for record in self.world.stream.read():
            if record["eventName"] != "REMOVE":
                self.images.saw(record)
                for reader in self._readers:
                    reader.records.append(record)

    def _deliver_stream(self, reader: Reader) -> None:
        batch, reader.records, reader.again_at = reader.records, [], self.clock.time() + RETRY_STREAM
        answer = self.invoke(reader.function, {"Records": batch})
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        failed = set(numbers[:1]) if answer is None else failures_of(answer, numbers)
        first = min((numbers.index(each) for each in failed), default=len(batch)) if failed is not None else 0
        reader.records = batch[first:] + reader.records
        if not reader.records:
            reader.again_at = None

    def deliver(self, notification: str, rung: int = 0) -> None:
        """WeChat Pay sends it, and climbs its ladder until it is answered with 2xx."""
        sent = self.world.control(f"notifications/{notification}").json()
        event = {"routeKey": "POST /notify", "headers": sent["headers"], "body": sent["body"]}
        began = self.clock.time()
        answer = self.invoke("notify", event)
        accepted = answer is not None and answer["statusCode"] in (200, 204)
        if accepted:
            facts = opened(sent["body"], self.world.credentials.api_v3_key)
            self.violations += invariants.committed(self.images.payments, facts)
        elif rung < len(LADDER):
            self.at(
                max(began + LADDER[rung], self.clock.time()), lambda: self.deliver(notification, rung + 1)
            )

    def _next(self) -> float | None:
        now = self.clock.time()
        moments = [
            self._agenda[0][0] if self._agenda else None,
            self._arrivals[0][0] if self._arrivals else None,
            *(reader.again_at for reader in self._readers if reader.records),
            self._messages_at,
            self._minute(),
        ]
        if self._refunds_under_way:
            moments.append(now + 1)
        return min((max(moment, now) for moment in moments if moment is not None), default=None)

    def _minute(self) -> float | None:
        """The full minute at which a sweep finds something."""
        if self.images.due_at is None:
            return None
        due = max(self.images.due_at, self._swept_at + 1)
        return -(-due // MINUTE) * MINUTE

    def _sweep_if_due(self) -> None:
        now, minute = self.clock.time(), self._minute()
        if minute is not None and minute <= now:
            self._swept_at = int(now)
            self.invoke("sweep", {})
        sent = sum(self.world.aws.writes(queue.queue_arn) for queue in self.world.queues)
        if sent != self._sent or (self._messages_at is not None and self._messages_at <= now):
            self._sent, self._messages_at = sent, None
            for queue in self.world.queues:
                self._settle(queue)

    def _settle(self, queue: QueueMapping) -> None:
        for messages in self.world.received(queue):
            records = [as_lambda_delivers(each, queue.queue_arn, self.world.aws.region) for each in messages]
            identifiers = [each["MessageId"] for each in messages]
            answer = self.invoke("settle", {"Records": records})
            failed = set(identifiers) if answer is None else failures_of(answer, identifiers)
            for each in messages:
                if failed is None or each["MessageId"] in failed:
                    self._messages_at = self.clock.time() + INVISIBLE
                else:
                    self.world.aws.client("sqs").delete_message(
                        QueueUrl=queue.queue_url, ReceiptHandle=each["ReceiptHandle"]
                    )
