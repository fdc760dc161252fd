"""A table behind a wiring object, from template.yaml: moto's DynamoDB over HTTP in a thorough run.

Unless the run is thorough the tables are those of tests/kit, without HTTP: ten times as fast.
"""

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from payments.api.http import Handler, endpoint
from payments.core import identifiers
from payments.core.facts import OrderFacts
from payments.core.lifecycle import Status
from payments.core.payment import CURRENCY, Credential, Payment
from payments.storage.tables import AllowanceItem, PaymentItem, QuarantineItem
from payments.use_cases.evidence import apply_order
from payments.wiring import Wiring
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws, Use
from sandbox.cloudformation.deployer import deploy
from sandbox.deployed import Deployed
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.thorough import TABLES
from wechatpay.errors import UnknownOutcomeError

if TYPE_CHECKING:
    from tests.payments.stage import Stage

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
QUOTE_KEY = "a quote key of thirty-two characters or more"
PARAMETERS = {
    "Stage": "test",
    "Release": "1",
    "WeChatAppId": "wx8888888888888888",
    "WeChatMchId": "1900000109",
    "WeChatNotifyUrl": "https://pay.example.com/api/v1/payments/wechat/notify",
    "JwtIssuer": "https://issuer.example.com",
    "JwtAudience": "payments",
    "DueShards": "4",
}


@pytest.fixture(scope="session")
def deployed() -> Iterator[tuple[Aws, Deployed]]:
    """AWS on loopback, with the template's tables and roles in it."""
    aws = Aws()
    aws.start()
    try:
        yield aws, deploy(TEMPLATE, aws=aws, parameters=PARAMETERS)
    finally:
        aws.stop()


@pytest.fixture(scope="session")
def memory(deployed: tuple[Aws, Deployed]) -> MemoryDynamoDB | None:
    """Tables in this process, under the names of those that are deployed; None where all is to go over HTTP."""
    if TABLES != "memory":
        return None
    aws, stack = deployed
    db = MemoryDynamoDB.from_template(names=stack.refs)

    def noted(operation: Operation, run: Run) -> Answer:
        aws.used([Use("tests", f"dynamodb:{operation.name}", operation.table, allowed=True)])
        return run()

    db.around = noted
    return db


@pytest.fixture
def over_http() -> None:
    """For tests that look at the requests themselves."""


@pytest.fixture
def tables(memory: MemoryDynamoDB | None, request: pytest.FixtureRequest) -> Iterator[MemoryDynamoDB | None]:
    """The tables in memory, where this test works on those."""
    if memory is None or "over_http" in request.fixturenames:
        yield None
        return
    with memory:
        yield memory


@pytest.fixture
def wiring(
    deployed: tuple[Aws, Deployed], tables: MemoryDynamoDB | None, monkeypatch: pytest.MonkeyPatch
) -> Wiring:
    """What native would have: its environment and its role."""
    aws, stack = deployed
    native = stack.functions["NativeFunction"]
    for name, value in aws.session_credentials(native.role_arn).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_REGION", aws.region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws.region)
    return Wiring(native.environment)


@pytest.fixture
def quarantined(
    deployed: tuple[Aws, Deployed], tables: MemoryDynamoDB | None
) -> Callable[[str], list[dict[str, str]]]:
    """The evidence that was kept about one order number: reason, source, facts."""
    aws, stack = deployed

    def kept(out_trade_no: str) -> list[dict[str, str]]:
        rows: list[dict[str, dict[str, str]]]
        if tables is not None:
            rows = tables.items("QuarantineTable")
        else:
            rows = aws.client("dynamodb").scan(TableName=stack.refs["QuarantineTable"])["Items"]
        items = [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]
        return [item for item in items if item.get("out_trade_no") == out_trade_no]

    return kept


@pytest.fixture
def new_payment(wiring: Wiring) -> Callable[..., Payment]:
    """Puts a payment of 1000 fen into the table, moved to the status that is asked for."""

    def make(status: Status = Status.CREATING, *, amount: int = 1000) -> Payment:
        return put(wiring, status, amount=amount)

    return make


def put(wiring: Wiring, status: Status, *, amount: int = 1000) -> Payment:
    """A payment of `amount` fen in the table, moved to `status`."""
    out_trade_no = identifiers.random_number("WX", wiring.entropy())
    now = int(wiring.now())
    payment = Payment(
        out_trade_no=out_trade_no,
        payment_id=identifiers.payment_id(out_trade_no),
        user_id="user-1",
        content_id="content-1",
        method="native",
        subject="A thing",
        mchid="1900000109",
        appid="wx8888888888888888",
        amount=amount,
        currency=CURRENCY,
        fingerprint="F",
        wechat_request="{}",
        time_expire=now + 7200,
        created_at=now,
        updated_at=now,
    )
    wiring.store.create(payment, due_at=now + 60)
    steps = {
        Status.CREATING: (),
        Status.PENDING: (pending,),
        Status.CLOSING: (pending, closing),
        Status.FAILED: (failed,),
        Status.CLOSED: (pending, closed),
        Status.PAID: (pending, paid),
    }[status]
    for step in steps:
        step(out_trade_no, wiring, amount)
    stored = wiring.store.get(out_trade_no)
    assert stored is not None
    assert stored.status is status
    return stored


def pending(number: str, wiring: Wiring, _amount: int) -> None:
    seen = wiring.store.get(number)
    assert seen is not None
    wiring.store.record_credential(
        seen, Credential(code_url="weixin://wxpay/x"), expires_at=1, due_at=2, now=3
    )


def closing(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.begin_close(number, cause="close", due_at=5, now=4)


def failed(number: str, wiring: Wiring, _amount: int) -> None:
    seen = wiring.store.get(number)
    assert seen is not None
    wiring.store.fail_creation(seen, refusal={"wechatCode": "PARAM_ERROR"}, cause="refused", now=4)


def closed(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.confirm_close(number, cause="query", now=4)


def paid(number: str, wiring: Wiring, amount: int) -> None:
    apply_order(facts_of(number, total=amount), source="notification", wiring=wiring)


def facts_of(number: str, **changed: object) -> OrderFacts:
    values: dict[str, object] = {
        "out_trade_no": number,
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "trade_state": "SUCCESS",
        "transaction_id": f"42{number[2:]}",
        "total": 1000,
        "currency": "CNY",
        "openid": "o-buyer",
        "success_time": "2026-01-01T12:00:00+08:00",
    }
    return OrderFacts(**(values | changed))


# ---- functions, called as Lambda calls them, within this process ----


class Line:
    """WeChat Pay for whoever opens orders: a code for each. It remembers all that it is asked, and answers nothing else."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def order_native(self, request: bytes) -> str:
        self.asked.append(json.loads(request))
        return f"weixin://wxpay/bizpayurl?pr={len(self.asked)}"

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(*_given: Any) -> Any:
            self.asked.append({"operation": operation})
            raise UnknownOutcomeError("nobody answers")

        return ask


class Calls:
    """Calls of functions; `asked` is what WeChat Pay was asked, `used` what AWS was."""

    def __init__(self, wiring: Wiring, aws: Aws) -> None:
        self.line = Line()
        self.wiring = wiring
        wiring.wechat = self.line  # type: ignore[assignment]  # the part that leaves this machine
        self.headers: dict[str, str] = {}  # of the last answer
        self._handlers: dict[str, Handler] = {}
        self._aws = aws
        aws.take_uses()  # only so many are kept: counted from here, and not by their place among all of them

    @property
    def asked(self) -> list[dict[str, Any]]:
        return self.line.asked

    @property
    def used(self) -> list[str]:
        return [use.action for use in self._aws.uses]

    def forget(self) -> None:
        """Count from here."""
        self.line.asked.clear()
        self._aws.take_uses()

    def __call__(
        self,
        name: str,
        *,
        authorizer: object = None,
        body: object = None,
        number: str | None = None,
        key: str | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of what the function answers to an HTTP API's event."""
        event = {
            "routeKey": name,
            "headers": {} if key is None else {"idempotency-key": key},
            "requestContext": {} if authorizer is None else {"authorizer": authorizer},
            "pathParameters": {} if number is None else {"outTradeNo": number},
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        if name not in self._handlers:
            self._handlers[name] = endpoint(function(name).answer, self.wiring)
        answer = self._handlers[name](event, None)
        self.headers = answer["headers"]
        return answer["statusCode"], json.loads(answer["body"])

    def as_(self, sub: object, scope: object, name: str, **given: Any) -> tuple[int, Any]:
        """The same, with the claims that API Gateway has verified."""
        return self(name, authorizer={"jwt": {"claims": {"sub": sub, "scope": scope}}}, **given)


def function(name: str) -> ModuleType:
    """The module of functions/<name>, afresh."""
    spec = importlib.util.spec_from_file_location(f"{name}_app", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def verification_secret(deployed: tuple[Aws, Deployed]) -> None:
    """What an operator puts there, as far as a price quote needs it."""
    aws, stack = deployed
    content = {"WECHAT_API_V3_KEY": "k" * 32, "WECHAT_QUOTE_KEY": QUOTE_KEY}
    aws.client("secretsmanager").put_secret_value(
        SecretId=stack.refs["VerificationSecret"], SecretString=json.dumps(content)
    )


@pytest.fixture
def calls(wiring: Wiring, deployed: tuple[Aws, Deployed], verification_secret: None) -> Calls:
    return Calls(wiring, deployed[0])


@pytest.fixture
def stage(
    wiring: Wiring, deployed: tuple[Aws, Deployed], verification_secret: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator["Stage"]:
    """Every handler, with an operator's rights: pynamodb knows one caller at a time."""
    from tests.payments.stage import Stage, StagedWiring

    models = (PaymentItem, QuarantineItem, AllowanceItem)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN_ACCESS_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for model in models:
        model._connection = None
    environment = {}
    for function in ("Settle", "Sweep", "Checkout", "Refund", "Native"):
        environment |= deployed[1].functions[f"{function}Function"].environment
    yield Stage(Calls(StagedWiring(environment), deployed[0]))
    for model in models:
        model._connection = None
