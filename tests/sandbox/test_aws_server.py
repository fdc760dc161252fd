"""The local AWS: strangers are refused, races have one winner, DynamoDB's own rules hold, events are kept in order."""

import json
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.aws import Aws
from tests.kit.environment import local_aws


def make_table(aws, name="payments"):
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


@pytest.fixture(scope="module")
def aws():
    with local_aws() as aws:
        make_table(aws)
        yield aws


def test_it_starts_within_two_seconds():
    began = time.perf_counter()
    other = Aws()
    other.start()
    other.client("dynamodb").list_tables()
    assert time.perf_counter() - began < 2
    other.stop()


@pytest.mark.parametrize("attempt", range(5))
def test_of_sixteen_conditional_puts_at_once_exactly_one_wins(aws, attempt):
    """Half of them from this very process, half over the port, as functions come."""
    barrier = threading.Barrier(16)

    def put(number):
        client = aws.client("dynamodb", endpoint=aws.url if number % 2 else None)
        barrier.wait()
        try:
            client.put_item(
                TableName="payments",
                Item={"pk": {"S": f"race-{attempt}"}, "by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(put, range(16))) == 1


def test_unknown_and_stale_credentials_are_refused(aws):
    stranger = {"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX", "AWS_SECRET_ACCESS_KEY": "x"}
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        aws.client("dynamodb", stranger).list_tables()
    arn = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    stale = {**aws.session_credentials(arn), "AWS_SESSION_TOKEN": "stale"}
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        aws.client("dynamodb", stale).list_tables()


def test_a_request_without_a_signature_is_refused(aws):
    for path in ("/", "/moto-api/reset", "/latest/meta-data/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(aws.url + path, data=b"{}", timeout=5)
        assert refused.value.code == 400
        refused.value.close()


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("put_item", {"Item": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)"}),
        ("update_item", {"Key": {"pk": {"S": "a"}}, "UpdateExpression": "REMOVE x"}),
        ("delete_item", {"Key": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_exists(pk)"}),
        ("scan", {"FilterExpression": "attribute_exists(pk)"}),
    ],
)
def test_placeholders_that_no_expression_uses_are_refused(aws, operation, request_):
    call = getattr(aws.client("dynamodb"), operation)
    with pytest.raises(ClientError, match=r"ValidationException.*ExpressionAttributeValues unused .*\{:x\}"):
        call(TableName="payments", ExpressionAttributeValues={":x": {"S": "1"}}, **request_)
    with pytest.raises(ClientError, match=r"ValidationException.*ExpressionAttributeNames unused .*\{#x\}"):
        call(TableName="payments", ExpressionAttributeNames={"#x": "x"}, **request_)


def test_placeholders_without_any_expression_are_refused_in_transactions_too(aws):
    put = {"TableName": "payments", "Item": {"pk": {"S": "a"}}, "ExpressionAttributeNames": {"#x": "x"}}
    with pytest.raises(ClientError, match="can only be specified when using expressions"):
        aws.client("dynamodb").transact_write_items(TransactItems=[{"Put": put}])


EVERY_TYPE: dict[str, Any] = {
    "pk": {"S": "every type"},
    "n": {"N": "-12"},
    "b": {"B": b"\x00\xff raw"},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": [b"\x00", b"\x01"]},
    "empty": {"L": []},
    "deep": {"L": [{"M": {"b": {"B": b"\xfe"}, "l": {"L": [{"S": ""}, {"M": {}}]}}}]},
}


@pytest.mark.parametrize("over_the_port", [False, True])
def test_values_of_every_type_come_back_as_they_were_written(aws, over_the_port):
    table = aws.client("dynamodb", endpoint=aws.url if over_the_port else None)
    table.put_item(TableName="payments", Item=EVERY_TYPE)

    key = {"pk": EVERY_TYPE["pk"]}
    got = table.get_item(TableName="payments", Key=key)["Item"]
    asked = table.query(
        TableName="payments", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]}
    )["Items"]
    updated = table.update_item(
        TableName="payments",
        Key=key,
        UpdateExpression="ADD n :one SET deep[0].b = :b",
        ExpressionAttributeValues={":one": {"N": "1"}, ":b": {"B": b"\x02"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]

    assert got == EVERY_TYPE
    assert asked == [EVERY_TYPE]
    deep = {"L": [{"M": EVERY_TYPE["deep"]["L"][0]["M"] | {"b": {"B": b"\x02"}}}]}
    assert updated == EVERY_TYPE | {"n": {"N": "-11"}, "deep": deep}


def test_what_moto_itself_refuses_keeps_its_name(aws):
    for call, code in (
        (lambda: aws.client("dynamodb").describe_table(TableName="none"), "ResourceNotFoundException"),
        (lambda: aws.client("iam").get_role(RoleName="none"), "NoSuchEntity"),
        (lambda: aws.client("sqs").get_queue_url(QueueName="none"), "NonExistentQueue"),
        (lambda: aws.client("secretsmanager").get_secret_value(SecretId="none"), "ResourceNotFoundException"),
    ):
        with pytest.raises(ClientError, match=code):
            call()


def test_events_are_kept_in_order_and_only_those_that_were_accepted(aws):
    aws.client("events").create_event_bus(Name="payments")
    good = {"Source": "s", "DetailType": "First", "Detail": '{"n": 1}', "EventBusName": "payments"}
    bad = {**good, "DetailType": "Broken", "Detail": "{"}
    aws.client("events").put_events(Entries=[good, bad, {**good, "DetailType": "Second"}])
    with pytest.raises(ClientError):
        aws.client("events").put_events(Entries=[{**good, "EventBusName": "no-such-bus"}])
    assert [(e["detail-type"], e["source"], e["detail"], e["bus"]) for e in aws.events] == [
        ("First", "s", {"n": 1}, "payments"),
        ("Second", "s", {"n": 1}, "payments"),
    ]
    json.dumps(aws.events)


def test_the_detail_of_an_event_is_kept_to_the_letter(aws):
    detail = '{"price": 1.10, "share": 12345678901234567890.123, "tiny":1e-400,"name":"\\u7070"}'
    entry = {"Source": "s", "DetailType": "Priced", "Detail": detail}
    aws.client("events").put_events(Entries=[entry])
    event = aws.events[-1]
    assert event["detail_text"] == detail
    assert event["detail"] == {
        "price": Decimal("1.10"),
        "share": Decimal("12345678901234567890.123"),
        "tiny": Decimal("1e-400"),
        "name": "灰",
    }


def test_two_sandboxes_in_one_process_do_not_see_each_other(aws):
    other = Aws()
    other.start()
    make_table(other)
    other.client("dynamodb").put_item(TableName="payments", Item={"pk": {"S": "there"}})
    aws.client("dynamodb").put_item(TableName="payments", Item={"pk": {"S": "here"}})
    key = {"TableName": "payments", "Key": {"pk": {"S": "there"}}}
    assert "Item" in other.client("dynamodb").get_item(**key)
    assert "Item" not in aws.client("dynamodb").get_item(**key)
    other.stop()
    assert "Item" in aws.client("dynamodb").get_item(TableName="payments", Key={"pk": {"S": "here"}})


def test_a_service_that_the_sandbox_has_not_is_an_error(aws):
    with pytest.raises(ClientError, match="UnknownOperation"):
        aws.client("ssm").describe_parameters()


def test_who_waits_for_a_write_is_woken_by_it(aws):
    seen = aws.writes("payments")
    timer = threading.Timer(
        0.05, lambda: aws.client("dynamodb").put_item(TableName="payments", Item={"pk": {"S": "w"}})
    )
    timer.start()
    began = time.perf_counter()
    assert aws.wait_for_write("payments", seen, 10) == seen + 1
    assert time.perf_counter() - began < 5
    timer.join()


def test_an_empty_queue_answers_at_once_however_long_the_poll(aws):
    url = aws.client("sqs").create_queue(QueueName="due")["QueueUrl"]
    began = time.perf_counter()
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert time.perf_counter() - began < 2
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
    (message,) = aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "hello"
