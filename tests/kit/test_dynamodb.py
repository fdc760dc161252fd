"""The DynamoDB in memory where moto is no measure: DynamoDB's documented rules, snapshots, faults, the stream's records."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from payments.core.errors import StorageUnavailableError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.storage.tables import PaymentItem
from payments.wiring import Wiring
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run, time_out
from tests.kit.payments import a_payment

KEY = {"out_trade_no": {"S": "WX1"}}


@pytest.fixture
def db() -> Iterator[MemoryDynamoDB]:
    with MemoryDynamoDB.from_template() as db:
        yield db


@pytest.fixture
def wiring(db: MemoryDynamoDB) -> Wiring:
    return Wiring({**db.environment, "DUE_SHARDS": "2"})


def payment(number: str = "WX1") -> Payment:
    return a_payment(number, payment_id="PAY1", created_at=1, updated_at=1)


def update(db: MemoryDynamoDB, expression: str, **request: Any) -> Answer:
    given = {
        "TableName": "PaymentsTable",
        "Key": KEY,
        "UpdateExpression": expression,
        "ReturnValues": "ALL_NEW",
    }
    return db.call("UpdateItem", given | request)


def refused(db: MemoryDynamoDB, expression: str, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        update(db, expression, **request)
    error: dict[str, str] = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_numbers_are_exact_to_38_digits_and_come_back_in_one_writing(db: MemoryDynamoDB) -> None:
    long = "12345678901234567890123456789012345678"
    values = {":a": {"N": long}, ":b": {"N": "1"}, ":c": {"N": "01.500"}}
    stored = update(db, "SET a = :a - :b, c = :c", ExpressionAttributeValues=values)["Attributes"]
    assert stored["a"] == {"N": "12345678901234567890123456789012345677"}
    assert stored["c"] == {"N": "1.5"}
    more = {":a": {"N": long + "1"}}
    assert "38 significant digits" in refused(db, "SET a = :a", ExpressionAttributeValues=more)


def test_every_action_sees_the_item_as_it_was(db: MemoryDynamoDB) -> None:
    values = {":one": {"N": "1"}, ":two": {"N": "2"}, ":l": {"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]}}
    update(db, "SET a = :one, b = :two, l = :l", ExpressionAttributeValues=values)
    after = update(db, "SET a = b, b = a REMOVE l[0], l[1]")["Attributes"]
    assert (after["a"], after["b"]) == ({"N": "2"}, {"N": "1"})
    assert after["l"] == {"L": [{"S": "z"}]}


def test_what_dynamodb_refuses_is_a_validation_exception_that_says_why(db: MemoryDynamoDB) -> None:
    values = {":v": {"N": "1"}}
    assert "document path provided" in refused(db, "SET m.x = :v", ExpressionAttributeValues=values)
    assert "does not exist in the item" in refused(db, "SET a = b + :v", ExpressionAttributeValues=values)
    assert "overlap" in refused(db, "SET m = :v, m.x = :v", ExpressionAttributeValues=values)
    assert "reserved keyword" in refused(db, "SET method = :v", ExpressionAttributeValues=values)
    assert "unused" in refused(db, "SET a = :v", ExpressionAttributeValues=values | {":w": {"N": "1"}})
    assert "part of the key" in refused(db, "SET out_trade_no = :v", ExpressionAttributeValues=values)
    assert "Type mismatch" in refused(db, "SET due_at = :v", ExpressionAttributeValues={":v": {"S": "x"}})
    needless = "((a = :v))"
    found = refused(db, "SET a = :v", ExpressionAttributeValues=values, ConditionExpression=needless)
    assert "redundant parentheses" in found
    assert db.items("PaymentsTable") == []


def test_no_path_is_compared_with_itself(db: MemoryDynamoDB) -> None:
    for condition in (
        "a = a",
        "a <> a",
        "a.b[0] < a.b[0]",
        "contains(a, a)",
        "begins_with(a, a)",
        "b = :v AND a >= a",
    ):
        values = {":v": {"N": "1"}}
        found = refused(db, "SET c = :v", ExpressionAttributeValues=values, ConditionExpression=condition)
        assert "must be distinct" in found, condition


def test_nothing_is_like_what_is_not_there(db: MemoryDynamoDB) -> None:
    values = {":v": {"N": "1"}}
    for condition in ("a = :v", "a < :v", "a >= :v", "a IN (:v)", "a BETWEEN :v AND :v", "size(a) = :v"):
        with pytest.raises(ClientError, match="conditional request failed"):
            update(db, "SET b = :v", ConditionExpression=condition, ExpressionAttributeValues=values)
    update(db, "SET b = :v", ConditionExpression="a <> :v", ExpressionAttributeValues=values)


def test_only_what_was_named_comes_back_where_only_that_is_asked_for(db: MemoryDynamoDB) -> None:
    values = {":m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, ":v": {"N": "5"}}
    update(db, "SET m = :m, a = :v", ExpressionAttributeValues=values)
    after = update(
        db, "SET m.x = :v", ExpressionAttributeValues={":v": {"N": "9"}}, ReturnValues="UPDATED_NEW"
    )
    assert after["Attributes"] == {"m": {"M": {"x": {"N": "9"}}}}


def test_a_reader_cannot_change_what_is_stored(db: MemoryDynamoDB, wiring: Wiring) -> None:
    wiring.store.create(payment(), due_at=10)
    db.items("PaymentsTable")[0]["history"]["L"].clear()
    db.call("GetItem", {"TableName": "PaymentsTable", "Key": KEY})["Item"]["history"]["L"].clear()
    assert len(db.items("PaymentsTable")[0]["history"]["L"]) == 1


def test_a_restored_table_is_that_of_the_moment_and_its_index_too(db: MemoryDynamoDB, wiring: Wiring) -> None:
    wiring.store.create(payment(), due_at=10)
    moment, before = db.snapshot(), db.items("PaymentsTable")
    for _ in range(2):
        seen = wiring.store.get("WX1")
        assert seen is not None
        wiring.store.fail_creation(seen, refusal={"wechatCode": "NO"}, cause="refused", now=5)
        wiring.store.create(payment("WX2"), due_at=11)
        db.restore(moment)
        assert db.items("PaymentsTable") == before
        assert db.earliest("PaymentsTable", "due") == 10
        shard = before[0]["due_shard"]
        request: dict[str, Any] = {"IndexName": "due", "KeyConditionExpression": "due_shard = :shard"}
        request |= {"TableName": "PaymentsTable", "ExpressionAttributeValues": {":shard": shard}}
        (row,) = db.call("Query", request)["Items"]
        assert row == {**KEY, "due_shard": shard, "due_at": {"N": "10"}}


def test_an_operation_can_be_lost_before_and_after_its_effect(db: MemoryDynamoDB, wiring: Wiring) -> None:
    def lost_before(_operation: Operation, _run: Run) -> Answer:
        raise time_out()

    def lost_after(operation: Operation, run: Run) -> Answer:
        run()
        raise time_out() if operation.writes else AssertionError

    db.around = lost_before
    with pytest.raises(StorageUnavailableError, match="ReadTimeoutError"):
        wiring.store.create(payment(), due_at=10)
    assert db.items("PaymentsTable") == []
    db.around = lost_after
    with pytest.raises(StorageUnavailableError, match="ReadTimeoutError"):
        wiring.store.create(payment(), due_at=10)
    assert len(db.items("PaymentsTable")) == 1


def test_the_stream_tells_each_change_once_and_no_write_that_changes_nothing(
    db: MemoryDynamoDB, wiring: Wiring
) -> None:
    wiring.store.create(payment(), due_at=10)
    for moment in ("10", "20"):
        update(db, "SET due_at = :at", ExpressionAttributeValues={":at": {"N": moment}})
    db.call("DeleteItem", {"TableName": "PaymentsTable", "Key": KEY})
    assert [record["eventName"] for record in db.records] == ["INSERT", "MODIFY", "REMOVE"]
    changed = db.records[1]["dynamodb"]
    assert (changed["OldImage"]["due_at"], changed["NewImage"]["due_at"]) == ({"N": "10"}, {"N": "20"})
    assert changed["Keys"] == KEY


def test_outside_of_it_pynamodb_is_what_it_was(db: MemoryDynamoDB, wiring: Wiring) -> None:
    wiring.store.create(payment(), due_at=10)
    here = type(PaymentItem._get_connection().connection).client
    with MemoryDynamoDB.from_template():
        assert wiring.store.get("WX1") is None
    assert type(PaymentItem._get_connection().connection).client is here
    seen = wiring.store.get("WX1")
    assert seen is not None
    assert seen.status is Status.CREATING
