"""publish at its handler, before an EventBridge that takes some entries of a call and not others."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.kit.functions import function
from tests.kit.serving import Answering

APP = Path(__file__).parents[2] / "functions/publish/app.py"


class Amazon(ThreadingHTTPServer):
    """EventBridge and S3, as far as `publish` goes: what is refused is named by event id."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refused: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self.kept: dict[str, dict[str, Any]] = {}
        self.bucket_open = True


class Handler(Answering):
    server: Amazon

    def do_POST(self) -> None:
        ids = [json.loads(entry["Detail"])["id"] for entry in json.loads(self.body())["Entries"]]
        self.server.calls.append(ids)
        codes = [self.server.refused.get(each) for each in ids]
        entries = [{"ErrorCode": code, "ErrorMessage": code} if code else {"EventId": "e"} for code in codes]
        failed = sum(code is not None for code in codes)
        self.answer(200, json.dumps({"FailedEntryCount": failed, "Entries": entries}).encode())

    def do_PUT(self) -> None:
        body = self.body()
        if self.server.bucket_open:
            self.server.kept[self.path.partition("?")[0]] = json.loads(body)
        self.answer(200 if self.server.bucket_open else 403, b"")


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    with Amazon() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "EVENT_BUS": "bus",
            "UNPUBLISHED_BUCKET": "unpublished",
        }.items():
            monkeypatch.setenv(name, value)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def publish(amazon: Amazon) -> ModuleType:
    return function("publish")


def record(place: int, *, status: str = "PENDING") -> dict[str, Any]:
    entry = {"to": status, "cause": "created", "event": "PaymentCreated"}
    members = {name: {"S": value} for name, value in entry.items()} | {"at": {"N": "1"}}
    texts = ("payment_id", "user_id", "content_id", "currency")
    image = {"out_trade_no": {"S": f"WX{place}"}, "amount": {"N": "1"}, "history": {"L": [{"M": members}]}}
    image |= {name: {"S": name} for name in texts}
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(place), "NewImage": image}}


def first_failed(answer: dict[str, Any]) -> str | None:
    failures = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert len(failures) <= 1
    return failures[0] if failures else None


def test_of_a_call_that_is_taken_in_part_the_first_entry_left_comes_again_with_all_behind_it(
    publish: ModuleType, amazon: Amazon
) -> None:
    amazon.refused = {"WX12#1": "ThrottlingException", "WX15#1": "InternalException"}
    answer = publish.lambda_handler({"Records": [record(place) for place in range(30)]}, None)
    assert first_failed(answer) == "12"
    assert [len(ids) for ids in amazon.calls] == [10, 10]
    amazon.refused = {}
    again = publish.lambda_handler({"Records": [record(place) for place in range(12, 30)]}, None)
    assert first_failed(again) is None
    assert {each for ids in amazon.calls for each in ids} == {f"WX{place}#1" for place in range(30)}
    assert amazon.kept == {}


def test_an_event_that_is_refused_for_what_it_is_is_put_aside_and_the_rest_goes_out(
    publish: ModuleType, amazon: Amazon
) -> None:
    amazon.refused = {"WX1#1": "MalformedDetail"}
    records = [record(place) for place in range(3)]
    assert first_failed(publish.lambda_handler({"Records": records}, None)) is None
    (kept,) = amazon.kept.values()
    assert json.loads(kept["payload"]) == {"Records": [records[1]]}
    assert kept["requestContext"]["reason"] == "MalformedDetail"


def test_what_cannot_be_put_aside_comes_again_and_what_was_before_it_is_out(
    publish: ModuleType, amazon: Amazon
) -> None:
    amazon.bucket_open = False
    records = [record(0), record(1, status="PARKED"), record(2)]
    assert first_failed(publish.lambda_handler({"Records": records}, None)) == "1"
    assert amazon.calls == [["WX0#1"]]
    amazon.bucket_open = True
    assert first_failed(publish.lambda_handler({"Records": records[1:]}, None)) is None
    assert amazon.calls == [["WX0#1"], ["WX2#1"]]
    assert [name.rsplit("/", 1)[1] for name in amazon.kept] == ["1.json"]


def test_a_removed_payment_tells_nothing(publish: ModuleType, amazon: Amazon) -> None:
    removed = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1", "OldImage": {}}}
    assert first_failed(publish.lambda_handler({"Records": [removed]}, None)) is None
    assert (amazon.calls, amazon.kept) == ([], {})
