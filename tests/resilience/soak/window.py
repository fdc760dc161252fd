"""One window: some hundred orders with everything that goes wrong, on a virtual clock of their own, until all is quiet."""

import heapq
import io
import itertools
import random
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from typing import Any, Self
from unittest.mock import patch

import requests

from payments.use_cases import sweeping
from sandbox.triggers.batches import failures_of
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.logs import logged_to
from tests.kit.secrets import SecretsManager
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.crash.images import Images
from tests.resilience.soak.courier import Courier
from tests.resilience.soak.environment import secrets
from tests.resilience.soak.faults import Faults, Invocation, named, rules
from tests.resilience.soak.functions import Functions, InOrder, Planted
from tests.resilience.soak.idle import IdleGateway
from tests.resilience.soak.stream import Stream
from tests.resilience.soak.wired import Outside
from wechatpay_simulator import Credentials, Simulator

START = 1_900_000_800  # epoch seconds at which every window begins
HORIZON = 72 * 3600  # virtual seconds after which a window must be quiet …
INVOCATIONS = 500  # … and how many it may take for each of its orders
FAULTS_FOR = 8 * 3600  # virtual seconds for which things go wrong
MINUTE = 60
REFUND_AFTER = 30.0  # seconds that the bank takes for a refund
DEPTH = 2  # invocations inside one another


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
        self.outside = Outside(
            environment,
            clock=self.clock,
            chance=random.Random(f"product {seed}"),
            secrets=SecretsManager(secrets(credentials)),
        )
        self.functions = Functions(
            self.outside, begun=self._begun, problem=self.violations.append, planted=planted
        )
        self.bus, self.queues = self.outside.bus, self.outside.queues
        self._simulator = Simulator(credentials, clock=self.clock, minute_between_refunds=True)
        self.courier = Courier(self, self._simulator)
        self._http = requests.Session()
        self._http.trust_env = False
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.stream = Stream(self)
        self._swept_at = 0
        self.look_takes = 0.0  # virtual seconds of one invocation of settle
        self._faulty_until = START + FAULTS_FOR
        self._depth = 0
        self.logs = io.StringIO()
        self.idle: list[IdleGateway] = []
        self.late: list[bytes] = []
        """Bodies of requests that were given up, and arrived later."""

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
        self._open = ExitStack()
        self._open.enter_context(logged_to(self.logs))
        self._open.enter_context(redirect_stdout(self.logs))
        # Side by side, batches of one sweep would come in another order each time.
        self._open.enter_context(patch.object(sweeping, "ThreadPoolExecutor", InOrder))
        self.db.around = self._around
        self.db.records.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self.db.around = None
        self.db.clear()
        self._open.close()
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

    def _look(self) -> None:
        """See what was written and what WeChat Pay has to tell."""
        self.stream.look()
        self.courier.hear(refunds=False)

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
        self._refunds_end(self.clock.time() + REFUND_AFTER + 1)

    def _refunds_end(self, moment: float) -> None:
        if self.clock.time() < moment:  # also where it was drawn forward, into the middle of something else
            self.at(moment, lambda: self._refunds_end(moment))
            return
        # Only here are refunds' notifications seen: the simulator ends a refund at some moment of real time, too.
        self.control("clock", {"advance": 0})
        self.courier.hear(refunds=True)

    def end(self) -> None:
        """Nothing goes wrong any more, and what has is counted."""
        if not self.faults.share:
            return
        self.faults.share = 0.0
        for rule in self.control("faults", method="GET").json()["rules"]:
            self.faults.happened[f"wechat {named(rule)}"] += rule["happened"]
        self.control("faults", method="DELETE")

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
        if now >= self._faulty_until:
            self.end()
        if self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()
        elif self.stream.publish_at is not None and self.stream.publish_at <= now:
            self.stream.publish()
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
            self.stream.publish_at,
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

    def _later(self, seconds: float, call: Callable[[], Any], arguments: tuple[Any, ...]) -> None:
        """A request that was given up arrives after all."""
        self.late += [argument for argument in arguments if isinstance(argument, bytes)]

        def arrives() -> None:
            self.functions.alone(call, self._invocation(faulty=False))
            self.refund_sent()

        self.after(seconds, arrives)

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
