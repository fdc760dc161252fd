"""Calls that a function makes while it starts: they reach nobody, and the first real one is not in their way."""

import pytest

from payments.storage.aws import client
from payments.storage.payments import PaymentStore
from payments.storage.sdk.rehearsal import OF_SECRETS, OF_TABLES, rehearse
from payments.storage.tables import PaymentItem
from tests.aws.conftest import At, stored
from tests.aws.service import Service, saying


def test_nobody_is_asked_and_the_next_call_is_sent(at: At) -> None:
    with Service(saying({"Item": stored()}), saying({"SecretString": "{}"})) as aws:
        at(aws.url)
        store = PaymentStore(payments_table="payments", due_shards=4)
        secrets = client("secretsmanager")
        PaymentItem.connect()
        rehearse(secrets, OF_SECRETS)
        assert aws.asked == []

        found = store.get("WX1")
        assert found is not None
        assert found.out_trade_no == "WX1"
        assert secrets.get_secret_value(SecretId="signing")["SecretString"] == "{}"
        assert len(aws.asked) == 2
        assert not any(b"rehearsal" in request for request in aws.asked)


def test_every_rehearsed_call_is_one_that_a_client_has_and_takes(at: At) -> None:
    at("http://127.0.0.1:9")
    checked = client("dynamodb")  # other than the tables' own it looks at what it sends
    for name, request, _ in (*OF_TABLES, *OF_SECRETS):
        service = "secretsmanager" if "secret" in name else "dynamodb"
        asked: list[object] = []
        of = checked if service == "dynamodb" else client(service)
        of.meta.events.register_first("before-call", lambda asked=asked, **_: asked.append(1))
        rehearse(of, [(name, request, 200)])
        assert asked, name  # its parameters were found right


def test_without_credentials_a_function_starts_all_the_same(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    at("http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    at("http://127.0.0.1:9")
    PaymentStore(payments_table="payments", due_shards=4)
    PaymentItem.connect()
    rehearse(client("secretsmanager"), OF_SECRETS)
