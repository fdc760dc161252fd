"""A stream reaches its function as Lambda would deliver it: in order, at least once, failures retried where they were."""

import base64
import json
import threading
import time
from typing import Any

import pytest

from sandbox.deployed import StreamMapping
from sandbox.triggers.batches import Outcome, outcome_of
from sandbox.triggers.streams import RETENTION_SECONDS, StreamPump

TABLE = "payments"


class Clock:
    offset = 0.0

    def time(self):
        return time.time() + self.offset


class Function:
    """A stream function: keeps what it was given, does what it is told."""

    def __init__(self, behaviour=lambda _: None):
        self.batches = []
        self.behaviour = behaviour

    def __call__(self, logical_id, event):
        assert logical_id == "PublishFunction"
        json.dumps(event)
        self.batches.append([key_of(record) for record in event["Records"]])
        self.records = event["Records"]
        return self.behaviour(event["Records"])

    @property
    def seen(self):
        return [key for batch in self.batches for key in batch]


def key_of(record):
    return record["dynamodb"]["Keys"]["pk"]["S"]


def fail_from(poison):
    """Report every record from `poison` on, in reverse: the lowest counts."""

    def behaviour(records):
        at = [key_of(r) for r in records].index(poison) if poison in map(key_of, records) else None
        failed = [] if at is None else records[at:][::-1]
        return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]}

    return behaviour


def refuse(poison):
    def behaviour(records):
        if poison in map(key_of, records):
            raise RuntimeError("poison")

    return behaviour


@pytest.fixture
def stream_arn(aws):
    client = aws.client("dynamodb")
    made = client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    yield made["TableDescription"]["LatestStreamArn"]
    client.delete_table(TableName=TABLE)


@pytest.fixture
def pumping(aws, stream_arn, running):
    def start(function, *, clock=None, credentials=None, **settings):
        mapping = StreamMapping(
            stream_arn=stream_arn,
            function="PublishFunction",
            **{
                "batch_size": 100,
                "bisect": False,
                "report_item_failures": True,
                "maximum_retries": -1,
                **settings,
            },
        )
        hands: Any = clock or Clock()
        return running(StreamPump(aws, mapping, function, credentials=credentials, clock=hands))

    return start


def put(aws, *keys, **attributes):
    for key in keys:
        aws.client("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": key}, **attributes})


def test_records_arrive_in_order_in_lambdas_shape(aws, pumping, stream_arn):
    put(aws, "a", blob={"M": {"raw": {"L": [{"B": b"\x00\xff"}]}}})
    aws.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "a"}},
        UpdateExpression="SET n = :n REMOVE #b",
        ExpressionAttributeNames={"#b": "blob"},
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    aws.client("dynamodb").delete_item(TableName=TABLE, Key={"pk": {"S": "a"}})
    function = Function()
    assert pumping(function).drain(5)
    first, second, third = function.records
    assert [r["eventName"] for r in function.records] == ["INSERT", "MODIFY", "REMOVE"]
    encoded = base64.b64encode(b"\x00\xff").decode()
    change = first["dynamodb"]
    assert change["NewImage"] == {"pk": {"S": "a"}, "blob": {"M": {"raw": {"L": [{"B": encoded}]}}}}
    assert "OldImage" not in change
    assert second["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "n": {"N": "1"}}
    assert second["dynamodb"]["OldImage"] == change["NewImage"]
    assert "NewImage" not in third["dynamodb"]
    assert set(first) == {
        "eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN",
    }  # fmt: skip
    assert (first["eventVersion"], first["eventSource"]) == ("1.1", "aws:dynamodb")
    assert (first["awsRegion"], first["eventSourceARN"]) == ("us-east-1", stream_arn)
    assert set(change) - {"NewImage"} == {
        "ApproximateCreationDateTime", "Keys", "SequenceNumber", "SizeBytes", "StreamViewType",
    }  # fmt: skip
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    numbers = [r["dynamodb"]["SequenceNumber"] for r in function.records]
    assert numbers == sorted(numbers)
    assert all(isinstance(number, str) for number in numbers)


def test_a_write_is_delivered_at_once(aws, pumping):
    arrived = threading.Event()
    pump = pumping(Function(lambda _: arrived.set()))
    assert pump.drain(5)
    waits = []
    for number in range(5):
        arrived.clear()
        began = time.perf_counter()
        put(aws, str(number))
        assert arrived.wait(5)
        waits.append(time.perf_counter() - began)
    assert min(waits) < 0.1  # the idle poll alone would take up to half a second each time
    assert sum(waits) < 1.5


def test_batches_are_no_larger_than_the_mapping_says(aws, pumping):
    keys = [f"{n:03}" for n in range(250)]
    for start in range(0, 250, 25):
        writes = [{"PutRequest": {"Item": {"pk": {"S": key}}}} for key in keys[start : start + 25]]
        aws.client("dynamodb").batch_write_item(RequestItems={TABLE: writes})
    function = Function()
    assert pumping(function).drain(10)
    assert [len(batch) for batch in function.batches] == [100, 100, 50]
    assert function.seen == keys


def test_an_update_that_creates_is_one_insert_and_a_write_that_changes_nothing_is_no_record(aws, pumping):
    update = {
        "TableName": TABLE,
        "Key": {"pk": {"S": "new"}},
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    aws.client("dynamodb").update_item(**update)
    aws.client("dynamodb").update_item(**update)
    put(aws, "same", n={"N": "1"})
    put(aws, "same", n={"N": "1"})
    function = Function()
    assert pumping(function).drain(5)
    assert [(r["eventName"], key_of(r)) for r in function.records] == [("INSERT", "new"), ("INSERT", "same")]
    assert function.records[0]["dynamodb"]["NewImage"]["n"] == {"N": "1"}


def test_a_partial_failure_goes_on_from_the_first_record_that_failed(aws, pumping):
    put(aws, "a", "b", "c", "d")
    behaviour = fail_from("c")
    function = Function()
    function.behaviour = lambda records: behaviour(records) if len(function.batches) < 3 else None
    assert pumping(function).drain(10)
    assert function.batches == [["a", "b", "c", "d"], ["c", "d"], ["c", "d"]]


def test_without_item_failures_in_the_mapping_the_answer_means_nothing(aws, pumping):
    put(aws, "a", "b")
    function = Function(fail_from("a"))
    assert pumping(function, report_item_failures=False).drain(5)
    assert function.batches == [["a", "b"]]


def test_a_failing_batch_is_bisected_until_only_the_poison_is_discarded(aws, pumping):
    put(aws, "a", "b", "poison", "d")
    function = Function(refuse("poison"))
    pump = pumping(function, bisect=True, maximum_retries=1)
    assert pump.drain(10)
    assert [key_of(r) for r in pump.discarded] == ["poison"]
    delivered = [key for batch in function.batches if "poison" not in batch for key in batch]
    assert delivered == ["a", "b", "d"]


def test_without_bisecting_the_whole_batch_is_tried_again_in_order(aws, pumping):
    put(aws, "a", "b")
    function = Function()

    def twice_broken(_):
        if len(function.batches) < 3:
            raise RuntimeError("not yet")

    function.behaviour = twice_broken
    pump = pumping(function)
    put(aws, "c")
    assert pump.drain(10)
    assert function.batches[:3] == [function.batches[0]] * 3
    assert sorted(set(function.seen)) == ["a", "b", "c"]
    assert pump.discarded == []


def test_retries_end_where_the_mapping_says(aws, pumping):
    put(aws, "a")
    function = Function(refuse("a"))
    pump = pumping(function, maximum_retries=2)
    assert pump.drain(10)
    assert function.batches == [["a"]] * 3
    assert [key_of(r) for r in pump.discarded] == ["a"]


def test_a_record_is_discarded_when_the_stream_would_have_forgotten_it(aws, pumping, eventually):
    put(aws, "a")
    clock = Clock()
    function = Function(refuse("a"))
    pump = pumping(function, clock=clock)
    assert not pump.drain(0.2)
    eventually(lambda: function.batches)  # a record's age counts from when the pump read it
    clock.offset = RETENTION_SECONDS + 60
    assert pump.drain(10)
    assert [key_of(r) for r in pump.discarded] == ["a"]


def test_another_pump_on_the_same_stream_begins_with_the_oldest_record(aws, pumping):
    put(aws, "a")
    first, second = Function(), Function()
    pump = pumping(first)
    assert pump.drain(5)
    pump.stop()
    put(aws, "b")
    assert not pump.drain(0.05)
    assert pumping(second).drain(5)
    assert (first.seen, second.seen) == (["a"], ["a", "b"])


def test_a_role_without_the_stream_permissions_gets_nothing(aws, pumping, stream_arn, eventually):
    iam = aws.client("iam")
    arn = iam.create_role(RoleName="publish", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    actions = [
        "dynamodb:DescribeStream",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "dynamodb:GetRecords",
    ]

    def grant(names):
        statement = {
            "Effect": "Allow",
            "Action": names,
            "Resource": [stream_arn, stream_arn.rsplit("/", 1)[0] + "/*"],
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="publish", PolicyName="p", PolicyDocument=text)

    grant(actions[:-1])
    put(aws, "a")
    function = Function()
    pump = pumping(function, credentials=aws.session_credentials(arn))
    eventually(lambda: "dynamodb:GetRecords" in str(pump.last_error))
    assert not pump.drain(0.3)
    grant(actions)
    assert pump.drain(5)
    assert pump.last_error is None
    assert function.seen == ["a"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, (Outcome.SUCCESS, 0)),
        ({}, (Outcome.SUCCESS, 0)),
        ({"batchItemFailures": []}, (Outcome.SUCCESS, 0)),
        ({"batchItemFailures": None}, (Outcome.SUCCESS, 0)),
        ({"batchItemFailures": [{"itemIdentifier": "2"}]}, (Outcome.PARTIAL, 1)),
        ({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}, (Outcome.PARTIAL, 1)),
        ({"batchItemFailures": [{"itemIdentifier": "1"}]}, (Outcome.PARTIAL, 0)),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, (Outcome.FAILURE, 0)),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, (Outcome.FAILURE, 0)),
        ({"batchItemFailures": [{"id": "2"}]}, (Outcome.FAILURE, 0)),
        ({"batchItemFailures": [{"itemIdentifier": "9"}]}, (Outcome.FAILURE, 0)),
        ({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "9"}]}, (Outcome.FAILURE, 0)),
        ({"batchItemFailures": "2"}, (Outcome.FAILURE, 0)),
    ],
)
def test_a_functions_answer_means_what_lambda_says_it_means(answer, expected):
    assert outcome_of(answer, ["1", "2", "3"]) == expected
