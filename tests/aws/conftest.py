"""A function's surroundings, with AWS at an address that the test says, and one authority that AWS's certificates are of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.storage.tables import PaymentItem
from tests.kit.authority import Authority
from tests.kit.aws_line import begin_anew

At = Callable[[str], None]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    """Says at which address AWS is; whoever called it before begins anew."""
    variables = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    def say(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        begin_anew()

    begin_anew()
    yield say
    begin_anew()


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK repeats at once."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has the payments table waited for so many seconds."""

    def hurry(seconds: float) -> None:
        for name in ("connect_timeout_seconds", "read_timeout_seconds"):
            monkeypatch.setattr(PaymentItem.Meta, name, seconds)

    return hurry


def stored(number: str = "WX1", **attributes: Any) -> dict[str, Any]:
    """A payment's item, in DynamoDB's JSON."""
    texts = {
        "out_trade_no": number,
        "payment_id": "PAY1",
        "user_id": "user-1",
        "content_id": "content-1",
        "method": "native",
        "subject": "一张照片",
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "currency": "CNY",
        "fingerprint": "F",
        "wechat_request": "{}",
        "status": "CREATING",
    }
    numbers = (
        "paid",
        "refundable",
        "refunding",
        "refunded",
        "refund_count",
        "sent_at",
        "created_at",
        "updated_at",
    )
    entry = {"to": {"S": "CREATING"}, "cause": {"S": "create"}, "at": {"N": "7"}}
    return {
        **{name: {"S": value} for name, value in texts.items()},
        **{name: {"N": "0"} for name in numbers},
        "amount": {"N": "1000"},
        "time_expire": {"N": "7200"},
        "version": {"N": "1"},
        "refunds": {"M": {}},
        "history": {"L": [{"M": entry}]},
        **attributes,
    }
