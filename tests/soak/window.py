"""One window: some hundred orders with everything that goes wrong, on a virtual clock of their own, until all is quiet."""

import heapq
import io
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any, Self

import requests

from payments.http import logger
from sandbox.batches import failures_of
from sandbox.simulator import Credentials, Simulator
from sandbox.simulator.courier import LADDER, Delivery
from tests.crash import invariants
from tests.crash.clock import VirtualClock
from tests.crash.images import Images
from tests.crash.notification import opened
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.soak.environment import PARAMETERS
from tests.soak.faults import Faults, Invocation, rules
from tests.soak.functions import Functions, Planted
from tests.soak.idle import IdleGateway
from tests.soak.services import Secrets
from tests.soak.wired import Outside

START = 1_900_000_800  # epoch seconds at which every window begins
HORIZON = 72 * 3600  # virtual seconds after which a window must be quiet …
INVOCATIONS = 500  # … and how many it may take for each of its orders
FAULTS_FOR = 8 * 3600  # virtual seconds for which things go wrong
MINUTE = 60
REFUND_AFTER = 30.0  # seconds that the bank takes for a refund
CONSOLE = "CONSOLE-"  # how refund numbers of the merchant console begin
DEPTH = 2  # invocations inside one another

DROPPED, DOUBLED, DELAYED = 0.06, 0.05, 0.04  # of notifications


class Window:
    """A context manager. `db` is the process's; its tables are empty before and after.

    `quiet`: nothing goes wrong, except that connections to WeChat Pay on which nothing was said for a while are dead.
    """

    def __init__(
        self,
        seed: str,
        *,
        db: MemoryDynamoDB,
        credentials: Credentials,
        environment: Mapping[str, str],
        planted: Planted | None = None,
        quiet: bool = False,
    ) -> None:
        self.seed = seed
        self.quiet = quiet
        self.chance = random.Random(seed)
        self.clock = VirtualClock(START)
        self.db = db
        self.credentials = credentials
        self.faults = Faults(random.Random(f"faults {seed}"))
        self.violations: list[str] = []
        self.images = Images()
        self.notified: Counter[str] = Counter()
        self.lost = 0.05  # of notifications: none of their deliveries arrives
        self.console_lost = False  # whether that goes for refunds of the console, of which nobody else tells
        self.outside = Outside(
            environment,
            clock=self.clock,
            chance=random.Random(f"product {seed}"),
            secrets=Secrets(_secrets(credentials)),
        )
        self.functions = Functions(
            self.outside, begun=self._begun, problem=self.violations.append, planted=planted
        )
        self.bus, self.queues = self.outside.bus, self.outside.queues
        self._simulator = Simulator(credentials, clock=self.clock, minute_between_refunds=True)
        self._http = requests.Session()
        self._http.trust_env = False
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._records: list[dict[str, Any]] = []
        self._publish_at: float | None = None
        self._seen = 0  # deliveries
        self._known: set[str] = set()
        self._swept_at = 0
        self.look_takes = 0.0  # virtual seconds of one invocation of settle
        self._faulty_until = START + FAULTS_FOR
        self._depth = 0
        self.logs = io.StringIO()
        self.idle: list[IdleGateway] = []

    def __enter__(self) -> Self:
        self._simulator.start()
        self.outside.environment |= {
            "WECHAT_GATEWAY": self._gateway(),
            "WECHAT_BACKUP_GATEWAY": (backup := self._gateway()),
        }
        self.outside.environment["WECHAT_GATEWAYS_ALLOWED"] = (
            f"{self.outside.environment['WECHAT_GATEWAY']},{backup}"
        )
        self.control("settings", {"refundAfter": REFUND_AFTER})
        if self.quiet:
            self.faults.share = 0.0
        else:
            self.control("faults", {"rules": rules(), "seed": self.chance.randrange(2**32)})
        self._stdout = logger.registered_handler.setStream(self.logs)
        self._printed = redirect_stdout(self.logs)
        self._printed.__enter__()
        self.db.around = self._around
        self.db.records.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self.db.around = None
        self.db.clear()
        self._printed.__exit__(None, None, None)
        logger.registered_handler.setStream(self._stdout)
        self._http.close()
        for gateway in self.idle:
            gateway.stop()
        threading.Thread(target=self._simulator.stop, daemon=True).start()  # nobody waits for it

    def _gateway(self) -> str:
        if not self.quiet:
            return self._simulator.url
        self.idle.append(IdleGateway(self._simulator.url, self.clock.time))
        return self.idle[-1].url

    # ---- for the people of the window ----

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Have this done when the clock gets there."""
        heapq.heappush(self._agenda, (moment, next(self._order), what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Have this done so many seconds from now."""
        self.at(self.clock.time() + seconds, what)

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """One invocation, and what it wrote is seen; None when it died or raised."""
        try:
            return self.functions.invoke(function, event)
        finally:
            self._look()

    def control(
        self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST"
    ) -> requests.Response:
        """One of the simulator's unsigned controls."""
        answer = self._http.request(method, f"{self._simulator.url}/_sandbox/{path}", json=body, timeout=60)
        self._look()
        return answer

    @property
    def url(self) -> str:
        """WeChat Pay's address."""
        return self._simulator.url

    def orders(self) -> list[dict[str, Any]]:
        """WeChat Pay's ledger."""
        found: list[dict[str, Any]] = self.control("orders", method="GET").json()["orders"]
        return found

    def refund_sent(self) -> None:
        """WeChat Pay may have a refund more: look when the bank will have done with it."""
        self.after(REFUND_AFTER + 1, lambda: self.control("clock", {"advance": 0}) and None)

    def no_sweep_before(self, moment: float) -> None:
        """Until then nobody looks: what is due piles up."""
        self._swept_at = int(moment) - 1

    # ---- until nothing is due any more ----

    def until_quiet(self, orders: int) -> None:
        """Let time pass; every minute sweeps, every ladder is climbed. A violation ends it."""
        end, most = self.clock.time() + HORIZON, orders * INVOCATIONS
        while not self.violations and not self.images.violations:
            moment = self._next()
            if moment is None:
                return
            if moment > end or self.functions.invoked > most:
                self.violations.append(
                    f"I6 not quiet after {self.functions.invoked} invocations and {(moment - START) / 3600:.1f} hours"
                )
                return
            if moment > self.clock.time():
                self.clock.advance(moment - self.clock.time())
            self._step()

    def _step(self) -> None:
        now = self.clock.time()
        if self.faults.share and now >= self._faulty_until:
            self.faults.share = 0.0
            for rule in self.control("faults", method="GET").json()["rules"]:
                self.faults.happened[f"wechat {_named(rule)}"] += rule["happened"]
            self.control("faults", method="DELETE")
        if self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()
        elif self._publish_at is not None and self._publish_at <= now:
            self._publish()
        elif (minute := self._minute()) is not None and minute <= now:
            self._swept_at = int(now)
            self.invoke("sweep", {})
        elif (message := self.queues.receive()) is not None:
            answer = self.invoke("settle", {"Records": [message.delivered()]})
            self.clock.advance(self.look_takes)
            if answer is not None and not failures_of(answer, [message.message_id]):
                self.queues.delete(message)

    def _next(self) -> float | None:
        moments = [
            self._agenda[0][0] if self._agenda else None,
            self._publish_at,
            self.queues.next_at,
            self._minute(),
        ]
        now = self.clock.time()
        return min((max(moment, now) for moment in moments if moment is not None), default=None)

    def _minute(self) -> float | None:
        """The full minute at which a sweep finds something."""
        due_at = self.db.earliest("PaymentsTable", "due")
        return None if due_at is None else -(-max(due_at, self._swept_at + 1) // MINUTE) * MINUTE

    # ---- invocations and their faults ----

    def _begun(self) -> Invocation:
        return self._invocation(faulty=True)

    def _invocation(self, *, faulty: bool) -> Invocation:
        return Invocation(
            self.faults,
            faulty=faulty,
            advance=self.clock.advance,
            later=self._later,
            meanwhile=self._meanwhile,
        )

    def _around(self, operation: Operation, run: Run) -> Answer:
        invocation = self.functions.current
        if invocation is None:
            return run()
        answer: Answer = invocation.through("write" if operation.writes else "read", operation.name, run)
        return answer

    def _later(self, seconds: float, call: Callable[[], Any]) -> None:
        """A request that was given up arrives after all."""
        self.after(seconds, lambda: self.functions.alone(call, self._invocation(faulty=False)))
        self.refund_sent()

    def _meanwhile(self) -> None:
        """Others come in between: what was going to happen next happens now."""
        if self._depth >= DEPTH:
            return
        self._depth += 1
        try:
            for _ in range(self.chance.randint(1, 3)):
                if self._agenda and self._agenda[0][0] <= self.clock.time() + MINUTE:
                    heapq.heappop(self._agenda)[2]()
        finally:
            self._depth -= 1

    # ---- the stream and the notifications ----

    def _look(self) -> None:
        """See what was written and what WeChat Pay has to tell."""
        records, self.db.records = self.db.records, []
        for record in records:
            if record["eventName"] != "REMOVE":
                self.images.saw(record)
                self._records.append(record)
        if self._records and self._publish_at is None:
            self._publish_at = self.clock.time() + 1
        deliveries = self._simulator.deliveries()
        for delivery in deliveries[self._seen :]:
            if delivery.notification.id not in self._known:
                self._known.add(delivery.notification.id)
                self._told(delivery)
        self._seen = len(deliveries)

    def _publish(self) -> None:
        batch, self._records, self._publish_at = self._records[:100], self._records[100:], None
        answer = self.invoke("publish", {"Records": batch})
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        failed = set(numbers[:1]) if answer is None else failures_of(answer, numbers)
        first = min((numbers.index(each) for each in failed), default=len(batch)) if failed is not None else 0
        self._records = batch[first:] + self._records
        self._publish_at = self.clock.time() + 1 if self._records else None

    def _told(self, delivery: Delivery) -> None:
        """WeChat Pay has something to tell: how it finds its way, or does not."""
        drawn, number = self.chance.random(), delivery.notification.id
        fate = "at once"
        for share, name in (
            (self.lost, "lost"),
            (DROPPED, "once lost"),
            (DOUBLED, "doubled"),
            (DELAYED, "late"),
        ):
            if 0 <= drawn < share and (self.faults.share or (self.quiet and name == "lost")):
                fate = name
            drawn -= share
        if fate == "lost" and not self.console_lost and self._of_the_console(delivery):
            fate = "once lost"
        self.notified[fate] += 1
        if fate == "once lost":
            self.after(LADDER[0], lambda: self._deliver(number, 1))
        elif fate == "late":
            self.after(self.chance.uniform(60, 3 * 3600), lambda: self._deliver(number, 0))
        elif fate != "lost":
            for copy in range(2 if fate == "doubled" else 1):
                self.after(0.1 + copy, lambda first=delivery: self._deliver(number, 0, first))

    def _of_the_console(self, delivery: Delivery) -> bool:
        facts = opened(delivery.notification.body.decode(), self.credentials.api_v3_key)
        return str(facts.get("out_refund_no", "")).startswith(CONSOLE)

    def _deliver(self, number: str, rung: int, first: Delivery | None = None) -> None:
        """WeChat Pay sends it, and climbs its ladder until it is answered with 2xx."""
        if first is not None:
            headers, body = first.headers, first.notification.body.decode()
        else:
            sent = self.control(f"notifications/{number}").json()
            headers, body = sent["headers"], sent["body"]
        began = self.clock.time()
        answer = self.invoke("notify", {"routeKey": "POST /notify", "headers": headers, "body": body})
        if answer is not None and answer["statusCode"] in (200, 204):
            facts = opened(body, self.credentials.api_v3_key)
            held = self.images.payments.get(facts["out_trade_no"], {}).get("held", ())
            if not any(f'"{facts.get("out_refund_no")}"' in text for text in held):
                self.violations += invariants.committed(self.images.payments, facts)
        elif rung < len(LADDER):
            self.at(max(began + LADDER[rung], self.clock.time()), lambda: self._deliver(number, rung + 1))


def _named(rule: Mapping[str, Any]) -> str:
    extra = rule.get("code") or rule.get("result") or ""
    return " ".join(
        part
        for part in (rule["effect"], str(extra), "unsigned" if rule.get("signed") is False else "")
        if part
    )


def _secrets(credentials: Credentials) -> dict[str, dict[str, Any]]:
    return {
        "SigningSecret": {
            "WECHAT_PRIVATE_KEY": credentials.merchant_private_key,
            "WECHAT_CERT_SERIAL_NO": credentials.merchant_serial_no,
        },
        "VerificationSecret": {
            "WECHAT_API_V3_KEY": credentials.api_v3_key,
            "WECHAT_PUBLIC_KEY_ID": credentials.wechat_public_key_id,
            "WECHAT_PUBLIC_KEY": credentials.wechat_public_key,
            "WECHAT_QUOTE_KEY": "q" * 32,
        },
        "CheckoutSecret": {"CHECKOUT_KEY": "c" * 64},
    }


def parameters(credentials: Credentials) -> dict[str, str]:
    """The template's parameters for this merchant."""
    return PARAMETERS | {"WeChatAppId": credentials.appid, "WeChatMchId": credentials.mchid}
