"""One world: the product in this process, WeChat Pay's books, callers who believe, time, and what goes wrong.

A world of its own because millions of steps go through it: no HTTP, no process, no simulator, and everything is drawn.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, partial
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.functions import api_event
from tests.kit.parameters import NEEDED, TEMPLATE
from tests.kit.secrets import CHECKOUT, SecretsManager
from tests.resilience.believing import functions
from tests.resilience.believing.agenda import Agenda
from tests.resilience.believing.callers import SCOPE, Callers, Reply, Wish
from tests.resilience.believing.effects import Effects
from tests.resilience.believing.functions import Functions
from tests.resilience.believing.ledger import Ledger, Order, Refund
from tests.resilience.believing.line import KEY_ID, Line
from tests.resilience.believing.oracle import Oracle
from tests.resilience.believing.post import APIV3_KEY, Notification, Post
from tests.resilience.believing.storage import Queue, Storage
from tests.resilience.believing.wired import Outside

START = 1_800_000_000  # epoch seconds
HORIZON = 9 * 24 * 3600  # seconds in which a world must be quiet, once nothing goes wrong any more …
WITHIN = 8 * 3600  # … and in which a patient caller must have an answer
REPEATS = 600  # calls that a patient caller makes at most until then
MINUTE = 60
COMPARED = 180  # seconds until somebody has compared the refunds since the restored moment
MAX_SEND_SECONDS = 60  # seconds in which one who has died may count as sending


class Ground:
    """What all worlds of a process share: keys, tables, the template's settings. A context manager."""

    def __init__(self) -> None:
        # Short keys, thrown away with the process: a signature takes a tenth of the time.
        self.merchant = rsa.generate_private_key(65537, 1024)
        self.wechat = rsa.generate_private_key(65537, 1024)
        self._open = ExitStack()
        self.db = MemoryDynamoDB.from_template(TEMPLATE)
        self.empty = self.db.snapshot()
        self.environment = functions.environment(
            NEEDED | {"StackScope": SCOPE, "DueShards": "1", "Stage": "model"}
        )
        private = self.merchant.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = self.wechat.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signing = {"WECHAT_PRIVATE_KEY": private, "WECHAT_CERT_SERIAL_NO": "A" * 40}
        verification = {
            "WECHAT_API_V3_KEY": APIV3_KEY,
            "WECHAT_PUBLIC_KEY_ID": KEY_ID,
            "WECHAT_PUBLIC_KEY": public.decode(),
        }
        self.secrets = SecretsManager(
            {
                self.environment["SIGNING_SECRET"]: signing,
                self.environment["VERIFICATION_SECRET"]: verification,
                self.environment["CHECKOUT_SECRET"]: CHECKOUT,
            }
        )

    def __enter__(self) -> Self:
        self._open.enter_context(functions.quiet())
        self._open.enter_context(self.db)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


@cache
def readers() -> dict[str, str]:
    """Which function reads a queue: logical ids of queues, names of functions, as the template maps them."""
    found = {}
    for resource in functions.read_template()["Resources"].values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            source = resource["Properties"]["EventSourceArn"].get("Fn::GetAtt", [""])[0]
            found[source] = resource["Properties"]["FunctionName"]["Ref"].partition("Function")[0].lower()
    return found


class World:
    """Everything at the beginning; the rules (`rules.py`) move it."""

    def __init__(self, ground: Ground, *, passed_over: frozenset[str] = frozenset()) -> None:
        ground.db.restore(ground.empty)
        ground.db.records.clear()
        self.story: list[tuple[float, str]] = []
        self.counts = Counter[str]()
        self.agenda = Agenda(START)
        self.ledger = Ledger(self.agenda.now, accepted=self._refund_accepted)
        self.oracle = Oracle(self.ledger)
        self.oracle.passed_over = passed_over
        self.effects = Effects(happened=self._happened)
        later = lambda seconds, what: self.agenda.at(self.agenda.now() + seconds, what)  # noqa: E731
        self.line = Line(
            self.ledger,
            self.effects,
            keys=(ground.wechat, ground.merchant.public_key()),
            wait=self.agenda.wait,
            later=lambda seconds, what: self.agenda.arrives(self.agenda.now() + seconds, what),
            meanwhile=self._meanwhile,
            count=self._count_line,
        )
        self.storage = Storage(
            ground.db, self.effects, wait=self.agenda.wait, meanwhile=self._meanwhile, saw=self._saw
        )
        self.storage.now = self.agenda.now
        ground.db.around = self.storage.around
        self.db = ground.db
        self._drawn = 0
        self.environment = {**ground.environment, "ORDER_MINUTES": "30"}
        outside = Outside(
            environment=self.environment,
            secrets=ground.secrets,
            queue=Queue(self.effects, wait=self.agenda.wait, later=later, deliver=self._settle),
            line=self.line,
            now=self.agenda.now,
            wait=self.agenda.wait,
            drawn=self._draw,
            measured=self._measured,
        )
        self.functions = Functions(outside, self.effects)
        self.post = Post(self.agenda, self.line, deliver=self._notify)
        self.callers = Callers(self.agenda, self.oracle, call=self._call)
        self.banks: list[tuple[str, float]] = []
        """How the next refunds end at the bank, and after how many seconds; those beyond end well, and soon."""
        self._told_to_wait_until: dict[object, float] = {}  # by what is wished
        self.deaf = 0
        """How many of the next answers are lost on their way to their callers."""
        self.acts: list[Callable[[], None]] = []
        """What others may do in the middle of an invocation."""
        self.moment: Any = None
        self.acting = False
        self._swept_at = -1
        self.invocations = 0

    # ---- what the world tells of itself ----

    def tell(self, who: str, text: str) -> None:
        """A line of the story."""
        self.story.append((self.agenda.now(), f"{'  ' * len(self.effects.under_way)}{who} {text}"))

    @property
    def violations(self) -> list[tuple[str, str]]:
        """All of them so far."""
        for text in self.functions.raised:
            self.oracle.violated("a mistake", text)
        self.functions.raised.clear()
        return self.oracle.violations

    # ---- time ----

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and do what waits for it."""
        end = self.agenda.now() + seconds
        while not self.violations and (moment := self._next(end)) is not None:
            self._to(moment)
        if not self.violations:
            self.agenda.wait(end - self.agenda.now())

    def _next(self, end: float) -> float | None:
        moments = [moment for moment in (self.agenda.next, self._minute()) if moment is not None]
        moment = min(moments, default=None)
        return moment if moment is not None and moment <= end else None

    def _to(self, moment: float) -> None:
        minute = self._minute()
        if minute is not None and minute <= moment:
            self.agenda.wait(max(0.0, minute - self.agenda.now()))
            self._swept_at = int(minute)
            self._invoke("sweep", {})
        else:
            self.agenda.reach(moment)

    def _minute(self) -> float | None:
        """The next full minute at which `sweep` finds something."""
        if not self.oracle.due:
            return None
        due = max(min(self.oracle.due.values()), self._swept_at + 1)
        return max(-(-due // MINUTE) * MINUTE, self.agenda.now())

    def sweep_now(self) -> None:
        """`sweep` runs in the middle of something."""
        self._invoke("sweep", {})

    def cease(self) -> None:
        """From here on nothing goes wrong, and everybody is patient."""
        self.tell("-", "from here on nothing goes wrong")
        self.effects.disarm()
        self.line.cease()
        self.storage.away_until = self.deaf = 0
        self.post.fates.clear()
        self.banks.clear()
        self.callers.ceased = self.agenda.now()
        for wish in self.callers.wishes:
            wish.tries = 0
            if not wish.over:
                self.agenda.at(self.agenda.now() + 1, partial(self._patiently, wish))
        for order, refund in list(self.ledger.refunds.values()):
            if refund.status == "ABNORMAL":
                self.agenda.at(self.agenda.now() + 3600, partial(self._ended, order, refund, "SUCCESS"))

    def _patiently(self, wish: Wish) -> None:
        if not wish.over:
            self.callers.ask(wish)

    def until_quiet(self) -> None:
        """Until nothing waits any more; then both books are compared."""
        assert self.callers.ceased is not None
        began = self.callers.ceased
        judged = False
        while not self.violations and (moment := self._next(began + HORIZON)) is not None:
            if not judged and moment > began + WITHIN:
                judged = True
                self._judge_patience()
            self._to(moment)
        self._judge_patience()
        if not self.violations:
            unheard = {
                str(each.facts["out_refund_no"])
                for each in self.post.all
                if each.given_up and str(each.facts.get("out_refund_no", "")).startswith("console")
            }
            self.oracle.quiet(unheard=unheard)

    def _judge_patience(self) -> None:
        for wish in self.callers.wishes:
            if not wish.over:
                self.oracle.violated(
                    "never answered", f"{wish} has no answer after {wish.tries} patient calls"
                )

    # ---- the product ----

    def _invoke(self, function: str, event: dict[str, Any], wish: Wish | None = None) -> Any:
        self.invocations += 1
        return self.functions.invoke(function, event, wish=wish)

    def _call(self, wish: Wish) -> tuple[Reply | None, bool]:
        number = wish.number if wish.body is None else None
        event = api_event(
            wish.function, wish.body, number=number, key=wish.key, sub=wish.sub, scope=wish.scope
        )
        self.tell(">", str(wish))
        if self.callers.ceased is not None and wish.tries > REPEATS and not self.oracle.restored:
            self.oracle.violated("never answered", f"{wish} has no answer after {wish.tries} patient calls")
        early = self.agenda.now() < self._told_to_wait_until.get(wish.same, 0)
        answer = self._invoke(wish.function, event, wish)
        if answer is None:
            self.tell("<", "no answer")
            self.counts[f"{wish.function}: no answer"] += 1
            return None, False
        after = answer["headers"].get("retry-after")
        reply = Reply(answer["statusCode"], json.loads(answer["body"]), int(after) if after else None)
        if reply.status == 503 and self.functions.untroubled and not early:
            self._judge_wait(wish, reply)
        self._told_to_wait_until[wish.same] = self.agenda.now() + (reply.retry_after or 0)
        heard = not self.deaf
        self.deaf = max(0, self.deaf - 1)
        self.tell("<", f"{reply}{'' if heard else ' (never arrives)'}")
        self.counts[f"{wish.function}: {reply.status} {reply.code}{'' if heard else ' unheard'}"] += 1
        if reply.status == 500:
            self.tell("!", f"{functions.kept.last}")
        return reply, heard

    def _judge_wait(self, wish: Wish, reply: Reply) -> None:
        """A 503 in which nothing went wrong has a reason: somebody has died and may still be sending, or the order is closing.

        Asked only of whoever has waited as they were told: who comes earlier may meet a request that can still arrive.
        """
        image = self.oracle.images.get(wish.number or "")
        status = image["status"]["S"] if image else ""
        ending = (
            image is not None
            and int(image["time_expire"]["N"]) <= self.agenda.now()
            and status in ("CREATING", "PENDING")
        )
        if (
            self.agenda.now() - self.functions.interrupted_at > MAX_SEND_SECONDS
            and status != "CLOSING"
            and not ending
        ):
            self.oracle.violated("503 without a cause", f"{wish} heard {reply}")

    def _settle(self, url: str, body: str) -> bool:
        event = {"Records": [{"messageId": "m", "body": body}]}
        answer = self._invoke(readers()[url], event)
        return answer is not None and not answer["batchItemFailures"]

    def _notify(self, event: dict[str, Any], notification: Notification) -> bool:
        answer = self._invoke("notify", event)
        status = None if answer is None else answer["statusCode"]
        self.tell("~", f"notification {notification.kind} of {notification.facts['out_trade_no']}: {status}")
        self.counts[f"notify: {status}"] += 1
        if status == 200:
            self.oracle.taken(notification.facts)
        return status in (200, 204)

    def _saw(self, change: Mapping[str, Any]) -> None:
        wish = self.effects.under_way[-1].wish if self.effects.under_way else None
        self.oracle.saw(change, wish, self.line.said)  # type: ignore[arg-type]
        if isinstance(wish, Wish) and wish.function == "refund":
            wish.numbers |= {number for number, owner in self.oracle.owners.items() if owner is wish}

    def _measured(self, name: str, value: float, dimensions: Mapping[str, str]) -> None:
        if name in ("Quarantined", "Unreadable") and value:
            self.tell("!", f"{name} {dict(dimensions)}")
            self.counts[f"metric {name} {dimensions.get('reason', '')}"] += 1
            if not self.oracle.restored:
                self.oracle.violated("quarantined", f"{name} {dict(dimensions)}")

    def _draw(self) -> int:
        self._drawn += 1
        return self._drawn

    def _happened(self, way: str, where: str) -> None:
        self.counts[
            f"fault {way.partition(' ')[0] if way.startswith(('refused', 'unsigned')) else way}: {where.partition(' ')[0]}"
        ] += 1
        self.tell("!", f"{way} at {where}")

    def _count_line(self, what: str) -> None:
        self.counts[f"wechat {what}"] += 1
        if not what.endswith(": well"):
            self.tell("@", what)

    def _meanwhile(self, turn: int) -> None:
        """Somebody else acts in the middle of this invocation."""
        if self.acts and not self.acting:
            self.acting = True
            try:
                self.acts[zlib.crc32(b"%d" % turn) % len(self.acts)]()
            finally:
                self.acting = False

    # ---- the buyer, the bank, the console ----

    def pay(self, number: str) -> None:
        """A buyer pays by a code that a caller was told."""
        self.oracle.paid(number)
        self.tell("$", f"a buyer pays {number}")
        self.post.paid(self.ledger.pay(number))

    def console_refund(self, number: str, amount: int) -> None:
        """Somebody refunds in the merchant console."""
        refund = self.ledger.console_refund(number, amount)
        if refund is not None:
            self.tell("$", f"console refund of {amount} of {number}: {refund.out_refund_no}")

    def _refund_accepted(self, order: Order, refund: Refund) -> None:
        self.oracle.refund_accepted(order, refund)
        outcome, after = self.banks.pop(0) if self.banks else ("SUCCESS", 3.0)
        self.tell("$", f"WeChat Pay takes {refund.out_refund_no} over {refund.amount}; it will be {outcome}")
        self.agenda.at(self.agenda.now() + after, partial(self._ended, order, refund, outcome))
        if outcome == "ABNORMAL":
            self.agenda.at(
                self.agenda.now() + after + 2 * 24 * 3600, partial(self._ended, order, refund, "SUCCESS")
            )

    def _ended(self, order: Order, refund: Refund, outcome: str) -> None:
        if self.ledger.end(refund, outcome):
            self.tell("$", f"{refund.out_refund_no} is {outcome} at the bank")
            self.post.refund_ended(order, refund)

    # ---- the table of an earlier moment ----

    def remember(self) -> None:
        """The moment to which the table may be restored."""
        self.moment = self.db.snapshot(["PaymentsTable"])

    def restore(self) -> None:
        """The table is what it was then."""
        if self.moment is None:
            return
        self.tell(
            "!", "the table is restored to an earlier moment; nobody refunds until the books were compared"
        )
        self.db.restore(self.moment)
        self.oracle.forgotten(self.db.items("PaymentsTable"))
        # A buyer's place may be held for an order that is forgotten: as if whoever opened it had died.
        self.functions.interrupted_at = self.agenda.now()
        self.callers.forgotten()
        self.callers.no_refunds_until = self.agenda.now() + COMPARED
        self.agenda.at(self.agenda.now() + COMPARED - 1, self.callers.compared)
