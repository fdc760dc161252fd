"""The refund side in one process: its functions, a table in memory, a clock that the test moves, WeChat Pay by a script."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from payments.api.http import endpoint
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.tables import AllowanceItem, EchoItem, NotificationItem, PaymentItem, QuarantineItem
from payments.wiring import Wiring
from tests.kit.aws_line import new_line
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run, time_out
from tests.kit.functions import function
from tests.kit.identities import IDENTITIES, WECHAT_PAY
from tests.kit.payments import put
from tests.kit.script import Script, Send, missing, refund_object
from tests.kit.secrets import SecretsManager, verification
from tests.kit.wechat_pay import WeChatPay

START = 1_800_000_000
ELSEWHERE_AT = "2027-01-14T23:59:58+08:00"  # when WeChat Pay took what is made elsewhere
HOUR, DAY = 3600, 86400
MANY = 300  # operations that a call may make within no time; fifty refunds need some
NO_SUCH_REFUND = missing("RESOURCE_NOT_EXISTS")
TABLES = (AllowanceItem, EchoItem, NotificationItem, PaymentItem, QuarantineItem)
SETTINGS = {
    "DUE_SHARDS": "4",
    "REFUNDS_PER_DAY": "200",
    "STACK_SCOPE": "test",
    "WECHAT_MCH_ID": "1900000109",
    "WECHAT_NOTIFY_URL": "https://pay.example.com/api/v1/payments/wechat/notify",
    "VERIFICATION_SECRET": "verification",
    "CERTIFICATES_SECRET": "certificates",
}


@dataclass(frozen=True)
class Keys:
    """The keys of the published vectors: making new ones takes longer than all the rest."""

    api_v3_key: str = IDENTITIES["apiv3_key"]
    wechat_public_key_id: str = WECHAT_PAY["public_key_id"]
    wechat_public_key: str = WECHAT_PAY["public_key_pem"]
    wechat_private_key: str = f"-----BEGIN PRIVATE KEY-----\n{WECHAT_PAY['private_key_pkcs8_der_base64']}\n-----END PRIVATE KEY-----\n"


@dataclass(frozen=True)
class Told:
    """What a caller was answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def data(self) -> dict[str, Any]:
        """Of a success."""
        assert self.status == 200, self.body
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def wait(self) -> int:
        """Seconds until a repetition, of a 503."""
        assert self.status == 503, self.body
        return int(self.headers["retry-after"])

    @property
    def number(self) -> str:
        """The refund that the answer is about."""
        return str((self.body.get("data") or self.body["details"])["outRefundNo"])


class OfficeWiring(Wiring):
    """By a clock of its own; metrics are remembered."""

    time: float = START

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.measured: list[tuple[str, float, dict[str, str]]] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds

    def begin(self, seconds: float) -> None:
        pass

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        self.measured += [(name, value, dimensions) for name, value in values.items()]


class Office:
    """Whoever refunds, WeChat Pay that notifies, the minutes that pass."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        credentials = Keys()
        self.db = db
        self.db.around = self._around
        self._silent: Callable[[Operation], bool] = lambda _: False
        self._operations = 0  # in the call under way
        self.wiring = OfficeWiring({**db.environment, **SETTINGS})
        self.script = Script()
        self.wiring.__dict__["wechat"] = self.script
        self.wiring.__dict__["_secrets_manager"] = SecretsManager(
            {"verification": verification(credentials), "certificates": {}}
        )
        for part in (
            "store",
            "quarantine",
            "allowances",
            "notifications",
            "echoes",
        ):  # they name their tables
            getattr(self.wiring, part)
        self.wechat = WeChatPay(credentials, self)
        self._refund = endpoint(function("refund").answer, self.wiring)
        self._abnormal = endpoint(function("abnormal_refund").answer, self.wiring)
        self._payment = endpoint(function("payment").answer, self.wiring)
        self._notify, self._settle = function("notify"), function("settle")
        for module in (self._notify, self._settle):
            module.wiring = self.wiring  # type: ignore[attr-defined]

    def time(self) -> float:
        """The clock's, for whoever signs."""
        return self.wiring.time

    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything."""
        self.wiring.time += seconds

    # ---- orders and what is known of them ----

    def paid(self, amount: int = 1000) -> str:
        """The number of a paid order of so many fen."""
        return put(self.wiring, Status.PAID, amount=amount).out_trade_no

    def unpaid(self) -> str:
        """The number of an order of 1000 fen that nobody has paid."""
        return put(self.wiring, Status.PENDING).out_trade_no

    def stored(self, number: str) -> Payment:
        """The payment; its sums are always right."""
        found = self.wiring.store.get(number)
        assert found is not None
        assert found.paid == found.refundable + found.refunding + found.refunded
        open_ones = [refund.amount for refund in found.refunds.values() if not refund.status.is_final]
        paid_out = [r.amount for r in found.refunds.values() if r.status is RefundStatus.SUCCEEDED]
        assert (found.refunding, found.refunded) == (sum(open_ones), sum(paid_out))
        assert (found.due_at is None) <= (not open_ones and not found.held)
        return found

    def refund_of(self, number: str) -> Refund:
        """The one refund that the payment has."""
        (refund,) = self.stored(number).refunds.values()
        return refund

    def events(self, number: str) -> list[str]:
        """The events that have been told of the payment's refunds."""
        entries = self.stored(number).history
        return [entry.event for entry in entries if entry.event and entry.event.startswith("Refund")]

    def set_aside(self, number: str) -> list[str]:
        """Why evidence about this order lies in quarantine."""
        items = self.db.items("QuarantineTable")
        return [item["reason"]["S"] for item in items if item["out_trade_no"]["S"] == number]

    def counted(self, metric: str) -> int:
        """How often something was counted."""
        return sum(int(value) for name, value, _ in self.wiring.measured if name == metric)

    @property
    def sent(self) -> list[str]:
        """The refund numbers that WeChat Pay was sent, in order."""
        return [request["out_refund_no"] for request in self.script.refunds]

    # ---- functions ----

    def refund(
        self,
        number: str,
        amount: object = 3,
        *,
        wechat: Send = None,
        key: str | None = None,
        by: str = "office",
        scope: str = "payments:refund",
        **members: object,
    ) -> Told:
        """Ask for a refund; `wechat` is what WeChat Pay answers, should it be asked."""
        self.script.sends = [wechat] * 4
        body = {"outTradeNo": number, "refundAmount": amount, **members}
        return self._called(self._refund, {"body": json.dumps(body)}, by, scope, key)

    def send_on(
        self, number: str, out_refund_no: str, *, wechat: Send = None, by: str = "office", **members: object
    ) -> Told:
        """Send an ABNORMAL refund on, to the merchant unless `members` say otherwise."""
        self.script.sends, self.script.keys = [wechat], self.wiring.secrets.keys
        body = {"outTradeNo": number, "outRefundNo": out_refund_no, "type": "MERCHANT_BANK_CARD", **members}
        body = {name: value for name, value in body.items() if value is not ...}
        return self._called(self._abnormal, {"body": json.dumps(body)}, by, "payments:refund")

    def details(self, number: str) -> dict[str, Any]:
        """GET …/payment."""
        return self._called(
            self._payment, {"pathParameters": {"outTradeNo": number}}, "office", "payments:refund"
        ).data

    def notify(self, members: dict[str, Any], event_type: str | None = None, **envelope: Any) -> Told:
        """WeChat Pay tells us, signed; of a refund unless `envelope` says otherwise."""
        event_type = event_type or f"REFUND.{members.get('refund_status')}"
        kind = "transaction" if event_type.startswith("TRANSACTION") else "refund"
        if kind == "refund" and members["out_refund_no"] not in self.sent:
            about = {name: value for name, value in members.items() if name not in ("refund_status", "mchid")}
            dated = {"status": members.get("refund_status"), "create_time": ELSEWHERE_AT}
            self.script.elsewhere.setdefault(members["out_refund_no"], about | dated)
        body = self.wechat.envelope(members, event_type=event_type, original_type=kind, **envelope)
        return self.post(body, self.wechat.headers(body))

    def post(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Somebody posts to the notify URL."""
        self._operations = 0
        event = {"routeKey": "POST …/notify", "headers": dict(headers), "body": body.decode()}
        return _told(self._notify.lambda_handler(event, None))

    def look(
        self, number: str, wechat: Send = None, *, may_send: bool = True, lease: int | None = None
    ) -> None:
        """`settle` looks into the payment now; `wechat` is what WeChat Pay answers to what is sent."""
        self._operations = 0
        self.script.sends = [wechat] * 60
        message = {"out_trade_no": number, "may_send": may_send, "lease": lease}
        event = {"Records": [{"messageId": "1", "body": json.dumps(message)}]}
        assert self._settle.lambda_handler(event, None) == {"batchItemFailures": []}

    def look_until_nothing_is_due(self, number: str, wechat: Send = None) -> None:
        """`settle` looks whenever that is due, until it is no more."""
        for _ in range(100):
            due_at = self.stored(number).due_at
            if due_at is None:
                return
            self.wiring.time = max(self.wiring.time, due_at)
            self.look(number, wechat)
        raise AssertionError("a hundred looks, and still something is due")

    def _called(
        self, handler: Any, event: dict[str, Any], by: str, scope: str, key: str | None = None
    ) -> Told:
        self._operations = 0
        claims = {"sub": by, "scope": scope}
        return _told(
            handler(
                event
                | {
                    "routeKey": "…",
                    "headers": {} if key is None else {"Idempotency-Key": key},
                    "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
                },
                None,
            )
        )

    # ---- the table ----

    def silent_table(self, when: Callable[[Operation], bool]) -> None:
        """Operations of this kind get no answer from now on, and have no effect; `restored_table` ends it."""
        self._silent = when

    def before_the_next_write(self, act: Callable[[], object]) -> None:
        """Somebody else does this just before our next write of a payment."""
        left = [act]

        def around(operation: Operation, run: Run) -> Answer:
            if operation.table == "PaymentsTable" and operation.writes and left:
                left.pop()()
            return run()

        self.db.around = around

    def restored_table(self) -> None:
        """The table answers again."""
        self._silent = lambda _: False

    def _around(self, operation: Operation, run: Run) -> Answer:
        self._operations += 1
        if self._operations > MANY:  # whoever tries again and again takes their time
            self.wiring.time += 1
        if self._silent(operation):
            raise time_out()
        return run()


def _told(answer: dict[str, Any]) -> Told:
    return Told(answer["statusCode"], json.loads(answer["body"]), answer["headers"])


def taken(status: str = "PROCESSING", **changed: Any) -> Callable[[dict[str, Any]], dict[str, object]]:
    """WeChat Pay has the refund that it was asked for, or asked about, as `status`."""
    return partial(refund_object, status=status, **changed)


def console(payment: Payment, number: str, amount: int, status: str = "SUCCESS", **changed: object) -> Any:
    """The decrypted notification of a refund that somebody made in the merchant console, or of one of ours by its number."""
    members: dict[str, object] = {
        "mchid": payment.mchid,
        "out_trade_no": payment.out_trade_no,
        "transaction_id": payment.transaction_id or f"42{payment.out_trade_no[2:]}",
        "out_refund_no": number,
        "refund_id": f"50{number}",
        "refund_status": status,
        "success_time": "2027-01-15T16:00:00+08:00",
        "amount": {"total": payment.amount, "refund": amount},
    }
    return {name: value for name, value in (members | changed).items() if value is not None}


def moving(office: Office, number: str) -> Callable[[Operation, Run], Answer]:
    """Somebody else moves the payment before each of our writes."""
    change = {
        "TableName": "PaymentsTable",
        "Key": {"out_trade_no": {"S": number}},
        "UpdateExpression": "SET version = version + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    def around(operation: Operation, run: Run) -> Answer:
        if operation.table == "PaymentsTable" and operation.writes:
            office.db.call("UpdateItem", change)
        return run()

    return around


@pytest.fixture(scope="session")
def office_tables() -> MemoryDynamoDB:
    return MemoryDynamoDB.from_template()


@pytest.fixture
def office(office_tables: MemoryDynamoDB) -> Iterator[Office]:
    with new_line(), office_tables as db:
        db.clear()
        yield Office(db)
        db.around = None
