"""A counter at which one thing is paid: the functions, tables in memory, a clock that the test moves, WeChat Pay's own books.

`around` meets every effect: each operation of a table and each call of WeChat Pay's.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from payments.api.http import endpoint
from payments.core.checkouts.checkout import Checkout
from payments.core.errors import StorageUnavailableError, TryAgainError
from payments.core.events import entries_of
from payments.core.facts import OrderFacts
from payments.core.payment import Payment
from payments.use_cases.evidence import apply_order
from payments.use_cases.settling import settle
from payments.wiring import Wiring
from tests.checkouts.ledger import APPID, MCHID, Ledger
from tests.kit.aws_line import new_line
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.functions import function
from tests.kit.identities import IDENTITIES
from tests.kit.office import Keys
from tests.kit.secrets import CHECKOUT, QUOTE_KEY, SecretsManager, verification

START = 1_800_000_000
SETTINGS = {
    "DUE_SHARDS": "4",
    "STACK_SCOPE": "test",
    "ORDER_MINUTES": "120",
    "CREATES_PER_MINUTE": "30",
    "OPEN_ORDERS": "20",
    "REFUNDS_PER_DAY": "200",
    "REQUIRE_QUOTE": "true",
    "WECHAT_APP_ID": APPID,
    "WECHAT_MCH_ID": MCHID,
    "WECHAT_NOTIFY_URL": "https://pay.example.com/api/v1/payments/wechat/notify",
    "CLIENT_ADDRESS_FROM": "gateway",
    "H5_PAYMENTS": "true",
    "RETURN_ORIGINS": "https://shop.example",
    "LIVE_URL": "wss://live.example.com",
    "EVENT_BUS": "bus",
    "MERCHANT_NAME": "A shop",
    "SIGNING_SECRET": "signing",
    "VERIFICATION_SECRET": "verification",
    "CERTIFICATES_SECRET": "certificates",
    "CHECKOUT_SECRET": "checkout",
}
ORDER: dict[str, Any] = {"contentId": "content-1", "amount": "10.00", "subject": "A thing"}


class CounterWiring(Wiring):
    """By a clock of its own, shared with every other process; metrics are remembered."""

    def __init__(self, environment: Mapping[str, str], clock: "Clock") -> None:
        super().__init__(environment)
        self.clock = clock
        self.measured: list[tuple[str, float]] = []

    def now(self) -> float:
        return self.clock.time

    def pause(self, seconds: float) -> None:
        self.clock.time += seconds

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        self.measured += values.items()


class Clock:
    """Epoch seconds."""

    def __init__(self) -> None:
        self.time: float = START


@dataclass(frozen=True)
class Told:
    """What was answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Person:
    """Somebody with a device."""

    kind: str
    cookie: str | None = None
    address: str = "203.0.113.7"


DESKTOP = Person("native")
WECHAT = Person("jsapi", cookie="A" * 32)
OTHER_WECHAT = Person("jsapi", cookie="B" * 32)
PHONE = Person("h5")
OTHER_PHONE = Person("h5", address="203.0.113.8")


class Counter:
    """What everybody does with one checkout, or several."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        self.db = db
        self.clock = Clock()
        self.ledger = Ledger(lambda: self.clock.time)
        self.around: Callable[[str, Callable[[], Any]], Any] = lambda _, call: call()
        self.effects: list[str] = []
        db.around = self._operation
        secrets = {
            "signing": {
                "WECHAT_PRIVATE_KEY": _pem(IDENTITIES["merchant"]["private_key_pkcs8_der_base64"]),
                "WECHAT_CERT_SERIAL_NO": IDENTITIES["merchant"]["serial_no"],
            },
            "verification": verification(Keys(), WECHAT_QUOTE_KEY=QUOTE_KEY),
            "certificates": {},
            "checkout": CHECKOUT,
        }
        self._secrets = SecretsManager(secrets)
        self.wiring = self.process()
        self._intent = endpoint(function("checkout_intent").answer, self.wiring)
        self.checkout_page, self._open = function("checkout"), function("checkout_open")
        self.checkout_paid = function("checkout_paid")
        for module in (self.checkout_page, self._open, self.checkout_paid):
            module.wiring = self.wiring  # type: ignore[attr-defined]
        self.events: list[dict[str, Any]] = []
        self._told_of = 0

    def process(self) -> CounterWiring:
        """What one more process has."""
        wiring = CounterWiring({**self.db.environment, **SETTINGS}, self.clock)
        wiring.__dict__["wechat"] = _Watched(self.ledger, self)
        wiring.__dict__["_secrets_manager"] = self._secrets
        for part in ("store", "quarantine", "allowances", "checkouts", "visits", "looks", "refunds"):
            getattr(wiring, part)
        return wiring

    # ---- what is asked of us ----

    def ask(
        self,
        *,
        sub: str = "shop",
        scope: str = "payments:charge",
        key: str | None = None,
        **members: Any,
    ) -> Told:
        """POST …/checkout."""
        body = {name: value for name, value in (ORDER | members).items() if value is not ...}
        event = {
            "routeKey": "POST …/checkout",
            "headers": {} if key is None else {"idempotency-key": key},
            "requestContext": {"authorizer": {"jwt": {"claims": {"sub": sub, "scope": scope}}}},
            "body": json.dumps(body),
        }
        return _told(self._intent(event, None))

    def kept(self, **asked: Any) -> dict[str, Any]:
        """A new checkout: what the backend was answered."""
        told = self.ask(**asked)
        assert told.status == 200, told.body
        data: dict[str, Any] = told.body["data"]
        return data

    def open(
        self,
        checkout: dict[str, Any],
        person: Person = DESKTOP,
        *,
        take_over: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """POST /checkout/{token}/open, as the page would."""
        event = self._event(checkout, person, headers or {})
        event["body"] = json.dumps({"kind": person.kind, "takeOver": take_over})
        return _told(self._open.lambda_handler(event, None))

    def look(
        self, checkout: dict[str, Any], person: Person = DESKTOP, *, asked: bool = False
    ) -> dict[str, Any]:
        """GET /checkout/{token} for the view; `asked`, where the buyer says to have paid."""
        event = self._event(checkout, person, {"accept": "application/json"})
        event["queryStringParameters"] = {"kind": person.kind} | ({"asked": "1"} if asked else {})
        told = _told(self.checkout_page.lambda_handler(event, None))
        assert told.status == 200, told.body
        return told.body

    def identify(self, checkout: dict[str, Any], person: Person, openid: str) -> None:
        """This browser within WeChat has told who its buyer is."""
        from payments.core import identifiers

        assert person.cookie is not None
        checkout_id = checkout["checkoutId"]
        visit = identifiers.visit_key(checkout_id, person.cookie)
        seen = self.wiring.checkouts.get(checkout_id)
        assert seen is not None
        now = int(self.clock.time)
        self.wiring.visits.begin(seen, visit, nonce_hash="N", until=now + 600, now=now)
        self.wiring.visits.use_nonce(checkout_id, visit, nonce_hash="N", now=now)
        self.wiring.visits.identify(checkout_id, visit, openid=openid, appid=APPID)

    @staticmethod
    def _event(checkout: dict[str, Any], person: Person, headers: Mapping[str, str]) -> dict[str, Any]:
        event: dict[str, Any] = {
            "routeKey": "/checkout/{token}",
            "headers": {"content-type": "application/json", **headers},
            "pathParameters": {"token": checkout["checkoutUrl"].rpartition("/")[2]},
            "requestContext": {"http": {"sourceIp": person.address}},
        }
        if person.cookie is not None:
            event["cookies"] = [f"checkout_device={person.cookie}"]
        return event

    # ---- what there is ----

    def stored(self, checkout: dict[str, Any]) -> Checkout:
        """The checkout as it is in its table."""
        found = self.wiring.checkouts.get(checkout["checkoutId"])
        assert found is not None
        return found

    def number(self, checkout: dict[str, Any]) -> str:
        """The order that is open for it, or was last."""
        hold = self.stored(checkout).current
        assert hold is not None
        return hold.out_trade_no

    def payment(self, number: str) -> Payment:
        """A payment as it is in its table."""
        found = self.wiring.store.get(number)
        assert found is not None
        return found

    # ---- what passes ----

    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything."""
        self.clock.time += seconds

    def notify(self, number: str, wiring: Wiring | None = None) -> None:
        """WeChat Pay's notification of a payment arrives."""
        facts = OrderFacts.of(self.ledger.transaction(number))
        apply_order(facts, source="notification", wiring=wiring or self.wiring)

    def settle(self, wiring: Wiring | None = None) -> None:
        """Whoever looks into what is due does that, once each."""
        for item in self.db.items("PaymentsTable"):
            if "due_at" in item and int(item["due_at"]["N"]) <= self.clock.time:
                with contextlib.suppress(TryAgainError, StorageUnavailableError):
                    settle(item["out_trade_no"]["S"], wiring or self.wiring, may_send=True)

    def publish(self) -> list[dict[str, Any]]:
        """The events that are new on the payments table's stream."""
        records, self._told_of = self.db.records[self._told_of :], len(self.db.records)
        told = [
            {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
            for record in records
            for _, entry in entries_of(
                record["dynamodb"].get("OldImage"), record["dynamodb"]["NewImage"], bus="bus"
            )
        ]
        self.events += told
        return told

    def hear(self) -> None:
        """What is new on the stream goes over the bus to whoever it is for, until there is nothing new."""
        while told := self.publish():
            for event in told:
                assert self.deliver(event)

    def deliver(self, event: dict[str, Any]) -> bool:
        """One event reaches the function behind its rule's queue, if there is one for it; False when it comes again."""
        if event["detail-type"] != "PaymentSucceeded" or "checkoutId" not in event["detail"]:
            return True
        message = {"messageId": event["detail"]["id"], "body": json.dumps(event)}
        told = self.checkout_paid.lambda_handler({"Records": [message]}, None)
        assert told["batchItemFailures"] in ([], [{"itemIdentifier": message["messageId"]}])
        return not told["batchItemFailures"]

    def settings(self, **changed: str) -> None:
        """What deploying with other parameters does."""
        self.wiring.settings._environment.update(changed)  # type: ignore[attr-defined]

    def counted(self, metric: str) -> int:
        """How often something was counted."""
        return sum(int(value) for name, value in self.wiring.measured if name == metric)

    def _operation(self, operation: Operation, run: Run) -> Answer:
        answer: Answer = self.met(f"{operation.table}.{operation.name}", run)
        return answer

    def met(self, name: str, call: Callable[[], Any]) -> Any:
        """One effect."""
        self.effects.append(name)
        return self.around(name, call)


class _Watched:
    """WeChat Pay's client, each call of which is an effect."""

    def __init__(self, ledger: Ledger, counter: Counter) -> None:
        self._ledger, self._counter = ledger, counter

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._ledger, verb)
        return lambda *given: self._counter.met(f"wechat.{verb}", lambda: call(*given))


def _told(answer: dict[str, Any]) -> Told:
    return Told(answer["statusCode"], json.loads(answer["body"]), answer["headers"])


def _pem(content: str) -> str:
    return f"-----BEGIN PRIVATE KEY-----\n{content}\n-----END PRIVATE KEY-----\n"


@pytest.fixture(scope="session")
def counter_tables() -> MemoryDynamoDB:
    return MemoryDynamoDB.from_template()


@pytest.fixture
def counter(counter_tables: MemoryDynamoDB) -> Iterator[Counter]:
    with new_line(), counter_tables as db:
        db.clear()
        db.records.clear()
        yield Counter(db)
        db.around = None
