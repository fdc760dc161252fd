"""AWS that does not answer: the caller is told to try again, and nobody sees a fault of ours."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments.api.http import endpoint
from payments.storage.aws import timeout_seconds
from payments.storage.tables import PaymentItem
from payments.wiring import Wiring
from tests.kit.aws_line import new_line
from tests.kit.functions import function

EVENTS = Path(__file__).parents[2] / "events"
ENVIRONMENT = {
    "PAYMENTS_TABLE": "payments",
    "QUARANTINE_TABLE": "quarantine",
    "DUE_SHARDS": "4",
    "VERIFICATION_SECRET": "verification",
    "CERTIFICATES_SECRET": "certificates",
}


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.delenv("AWS_TIMEOUT_SECONDS")
        monkeypatch.setattr(PaymentItem.Meta, "read_timeout_seconds", timeout_seconds())
        with new_line():
            yield


def test_a_table_that_does_not_answer_is_worth_a_retry(silent: None) -> None:
    handler = endpoint(function("payment").answer, Wiring(ENVIRONMENT))
    answer = handler(json.loads((EVENTS / "payment.json").read_text()), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "SYSTEMERROR")
    assert answer["headers"]["retry-after"]


def test_keys_that_cannot_be_read_make_wechat_pay_come_again(
    silent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    event = json.loads((EVENTS / "notify.json").read_text())
    wiring = function("notify")
    timestamp = int(event["headers"]["wechatpay-timestamp"])
    monkeypatch.setattr("time.time", lambda: float(timestamp))
    answer = wiring.lambda_handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "FAIL")
