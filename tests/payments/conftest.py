"""A real table behind a wiring object: moto's DynamoDB over HTTP, created from template.yaml."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from payments import numbers
from payments.evidence import OrderFacts, apply_order
from payments.lifecycle import Status
from payments.payment import CURRENCY, Credential, Payment
from payments.wiring import Wiring
from sandbox.aws import Aws
from sandbox.deployed import Deployed
from sandbox.deployer import deploy

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
PARAMETERS = {
    "Stage": "test",
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


@pytest.fixture
def wiring(deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Wiring:
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
def quarantined(deployed: tuple[Aws, Deployed]) -> Callable[[str], list[dict[str, str]]]:
    """The evidence that was kept about one order number: reason, source, facts."""
    aws, stack = deployed

    def kept(out_trade_no: str) -> list[dict[str, str]]:
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
    out_trade_no = numbers.random_number("WX", wiring.entropy())
    now = int(wiring.now())
    payment = Payment(
        out_trade_no=out_trade_no,
        payment_id=numbers.payment_id(out_trade_no),
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
    wiring.store.credential_received(
        number, Credential(code_url="weixin://wxpay/x"), expires_at=1, due_at=2, now=3
    )


def closing(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.close_wanted(number, cause="close", due_at=5, now=4)


def failed(number: str, wiring: Wiring, _amount: int) -> None:
    seen = wiring.store.get(number)
    assert seen is not None
    wiring.store.creation_refused(seen, refusal={"wechatCode": "PARAM_ERROR"}, cause="refused", now=4)


def closed(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.close_confirmed(number, cause="query", now=4)


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
