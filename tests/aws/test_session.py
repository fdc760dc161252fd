"""The session that all clients share: who we say that we are, and what is checked before it is sent."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from payments.storage.aws import client
from payments.storage.items import update
from payments.storage.payments import PaymentStore
from payments.storage.tables import PaymentItem
from tests.aws.conftest import At, stored
from tests.aws.service import Service, saying


def agent(request: bytes) -> str:
    (found,) = re.findall(rb"(?im)^user-agent: (.+?)\r$", request)
    return str(found.decode())


def test_every_request_names_the_sdk_and_the_runtime_in_the_same_line(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
    store = PaymentStore(payments_table="payments", due_shards=4)
    with Service(
        saying({"Item": stored()}), saying({"SecretString": "{}"}), saying({"Item": stored()})
    ) as aws:
        at(aws.url)
        store.get("WX1")
        client("secretsmanager").get_secret_value(SecretId="signing")
        store.get("WX1")
    (line,) = {agent(request) for request in aws.asked}
    assert re.fullmatch(
        r"Botocore/[\d.]+ Python/[\d.]+ \S+ exec-env/AWS_Lambda_python3\.13( PT/.*)?", line
    )  # Powertools names itself


def test_what_is_sent_to_other_services_than_dynamodb_is_checked_before(at: At) -> None:
    with Service(saying({})) as aws:
        at(aws.url)
        with pytest.raises(ParamValidationError):
            client("sqs").send_message_batch(QueueUrl=f"{aws.url}/1/q", Entries=[{"Id": 1}])
        with pytest.raises(ParamValidationError):
            client("events").put_events(Entries="all of them")
    assert aws.asked == []


def test_a_value_that_no_attribute_takes_is_refused_before_it_is_sent(at: At) -> None:
    """botocore does not check what pynamodb sends; the attributes do."""
    with Service(saying({"Attributes": stored()})) as aws:
        at(aws.url)
        PaymentStore(payments_table="payments", due_shards=4)
        bad: list[Any] = [True, "100", 1.5]
        for value in bad:
            with pytest.raises(TypeError):
                update("WX1", [PaymentItem.paid.set(value)], PaymentItem.version == 1)
    assert aws.asked == []


def test_texts_arrive_as_they_are(at: At) -> None:
    with Service(saying({"Item": stored(subject={"S": '\x7f\u2028一 \\" </script>'})})) as aws:
        at(aws.url)
        found = PaymentStore(payments_table="payments", due_shards=4).get("WX1")
    assert found is not None
    assert found.subject == '\x7f\u2028一 \\" </script>'
    assert json.loads(aws.asked[0].partition(b"\r\n\r\n")[2])["ConsistentRead"] is True
