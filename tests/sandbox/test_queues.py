"""A queue reaches its function as Lambda would deliver it: batches, partial failures, retries, the dead-letter queue."""

import hashlib
import json
import threading
import time

import pytest

from sandbox.aws.aws import Aws
from sandbox.deployed import QueueMapping
from sandbox.triggers.batches import failures_of
from sandbox.triggers.queues import QueuePump

REGION, ACCOUNT = "us-east-1", "123456789012"
VISIBILITY = 30


class Function:
    """A queue function: keeps what it was given, does what it is told."""

    def __init__(self, behaviour=lambda _: None):
        self.batches = []
        self.behaviour = behaviour

    def __call__(self, logical_id, event):
        assert logical_id == "SettleFunction"
        json.dumps(event)
        self.records = event["Records"]
        self.batches.append([record["body"] for record in event["Records"]])
        return self.behaviour(event["Records"])

    @property
    def seen(self):
        return sorted(body for batch in self.batches for body in batch)


def fail(*bodies):
    def behaviour(records):
        failed = [{"itemIdentifier": r["messageId"]} for r in records if r["body"] in bodies]
        return {"batchItemFailures": failed}

    return behaviour


def boom(_):
    raise RuntimeError("boom")


@pytest.fixture
def aws(clock):
    aws = Aws(now=clock.time)
    aws.start()
    clock.on_advance(aws.wake)
    yield aws
    aws.stop()


@pytest.fixture
def queue(aws):
    """A queue whose messages go to the queue `dead` after two deliveries."""
    client = aws.client("sqs")
    client.create_queue(QueueName="dead")
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": "2"}
    attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": json.dumps(redrive)}
    return client.create_queue(QueueName="due", Attributes=attributes)["QueueUrl"]


@pytest.fixture
def pumping(aws, queue, running):
    def start(function, *, credentials=None, **settings):
        mapping = QueueMapping(
            **{
                "queue_url": queue,
                "queue_arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:due",
                "function": "SettleFunction",
                "batch_size": 10,
                "report_item_failures": True,
                "maximum_concurrency": 2,
                **settings,
            }
        )
        return running(QueuePump(aws, mapping, function, credentials=credentials))

    return start


@pytest.fixture
def send(aws, queue):
    def send(*bodies, **more):
        for body in bodies:
            aws.client("sqs").send_message(QueueUrl=queue, MessageBody=body, **more)

    return send


def left(aws, name="due"):
    """How many messages a queue has: visible, in flight or delayed, delayed."""
    client = aws.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(found[key]) for key in names)


def test_a_message_comes_in_lambdas_shape(aws, pumping, send):
    function = Function()
    colour = {"DataType": "String", "StringValue": "red"}
    raw = {"DataType": "Binary", "BinaryValue": b"\x00\x01"}
    send('{"a": 1}', MessageAttributes={"colour": colour, "raw": raw})
    assert pumping(function).drain(5)
    (record,) = function.records
    attributes = record.pop("attributes")
    assert attributes["ApproximateReceiveCount"] == "1"
    assert set(attributes) >= {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
    assert all(isinstance(value, str) for value in attributes.values())
    assert len(record.pop("messageId")) == 36
    assert record.pop("receiptHandle")
    assert len(record.pop("md5OfMessageAttributes")) == 32
    assert record == {
        "body": '{"a": 1}',
        "messageAttributes": {
            "colour": {
                "stringValue": "red",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "raw": {
                "binaryValue": "AAE=",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfBody": hashlib.md5(b'{"a": 1}').hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:due",
        "awsRegion": REGION,
    }


def test_what_succeeded_is_deleted(aws, pumping, send):
    function = Function()
    send("a", "b", "c")
    assert pumping(function).drain(5)
    assert function.seen == ["a", "b", "c"]
    assert left(aws) == (0, 0)


def test_a_message_sent_later_comes_without_a_poll_of_chance(pumping, send, monkeypatch):
    for wait in ("MIN_IDLE_SECONDS", "MAX_IDLE_SECONDS"):
        monkeypatch.setattr(f"sandbox.triggers.poller.{wait}", 3600)
    arrived = threading.Event()
    pump = pumping(Function(lambda _: arrived.set()))
    assert pump.drain(5)
    send("a")
    assert arrived.wait(5)


def test_a_batch_holds_no_more_than_it_may(pumping, send):
    function = Function()
    send(*map(str, range(7)))
    assert pumping(function, batch_size=3).drain(5)
    assert sorted(map(len, function.batches)) == [1, 3, 3]


def test_a_batch_may_be_larger_than_one_answer_of_sqs(pumping, send):
    function = Function()
    send(*map(str, range(25)))
    assert pumping(function, batch_size=20).drain(5)
    assert sorted(map(len, function.batches)) == [5, 20]


def test_only_the_failed_items_of_a_batch_come_again(aws, clock, pumping, send):
    function = Function(fail("b"))
    pump = pumping(function)
    send("a", "b", "c")
    assert pump.drain(5)
    assert left(aws) == (0, 1)
    function.behaviour = lambda _: None
    clock.advance(VISIBILITY + 1)
    assert pump.drain(5)
    assert function.batches[-1] == ["b"]
    assert function.records[0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert left(aws) == (0, 0)


def test_a_failed_message_stays_hidden_until_its_visibility_timeout_has_passed(clock, pumping, send):
    function = Function(boom)
    pump = pumping(function)
    send("a")
    assert pump.drain(5)
    clock.advance(VISIBILITY - 5)
    assert pump.drain(5)
    assert function.seen == ["a"]
    clock.advance(6)
    assert pump.drain(5)
    assert function.seen == ["a", "a"]


def test_an_exception_fails_the_whole_batch(aws, pumping, send):
    send("a", "b")
    assert pumping(Function(boom)).drain(5)
    assert left(aws) == (0, 2)


def test_without_item_reports_an_answer_of_any_kind_is_success(aws, pumping, send):
    send("a")
    assert pumping(Function(fail("a")), report_item_failures=False).drain(5)
    assert left(aws) == (0, 0)


def test_after_its_last_delivery_a_message_goes_to_the_dead_letter_queue(aws, clock, pumping, send):
    function = Function(boom)
    pump = pumping(function)
    send("a")
    for _ in range(4):
        assert pump.drain(5)
        clock.advance(VISIBILITY + 1)
    assert pump.drain(5)
    assert function.seen == ["a", "a"]
    assert left(aws) == (0, 0)
    assert left(aws, "dead") == (1, 0)


def test_a_delayed_message_comes_when_its_time_has_come(clock, pumping, send):
    function = Function()
    pump = pumping(function)
    send("a", DelaySeconds=600)
    assert pump.drain(5)
    assert function.seen == []
    clock.advance(601)
    assert pump.drain(5)
    assert function.seen == ["a"]


def test_batches_run_beside_each_other_but_no_more_than_allowed(pumping, send):
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def work(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(5)
        with lock:
            running -= 1

    function = Function(work)
    send(*map(str, range(9)))
    assert pumping(function, batch_size=1, maximum_concurrency=3).drain(5)
    assert len(function.seen) == 9
    assert most == 3


def test_drain_waits_for_the_invocation_under_way_and_for_what_it_sends(aws, queue, pumping, send):
    def work(records):
        time.sleep(0.1)
        if records[0]["body"] != "last":
            send("last")

    function = Function(work)
    pump = pumping(function)
    send("first")
    assert pump.drain(5)
    assert function.batches == [["first"], ["last"]]


def test_drain_says_when_its_time_was_too_short(pumping, send):
    release = threading.Event()
    pump = pumping(Function(lambda _: release.wait(5)))
    send("a")
    assert not pump.drain(0.2)
    release.set()
    assert pump.drain(5)


def test_the_timeouts_of_two_sandboxes_go_by_a_clock_each(aws, clock, pumping, send):
    other = Aws()
    other.start()
    function = Function(boom)
    pump = pumping(function)
    send("a")
    assert pump.drain(5)
    clock.advance(VISIBILITY + 1)
    other.client("sqs").list_queues()  # whoever was served last has no say
    assert pump.drain(5)
    assert function.seen == ["a", "a"]
    other.stop()


# ---- with the role of the function ----

NEEDED = ("sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage")


@pytest.fixture
def credentials(aws):
    def made(actions):
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:due"
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": arn}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        client = aws.client("iam")
        role = client.create_role(RoleName="settle", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        client.put_role_policy(RoleName="settle", PolicyName="p", PolicyDocument=json.dumps(policy))
        return aws.session_credentials(role["Arn"])

    return made


def test_three_actions_are_all_that_a_role_needs(aws, pumping, send, credentials):
    function = Function()
    send("a")
    pump = pumping(function, credentials=credentials(NEEDED))
    assert pump.drain(5)
    assert pump.last_error is None
    assert left(aws) == (0, 0)
    assert {use.action for use in aws.uses} == set(NEEDED)


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_permission_is_found(aws, pumping, send, credentials, missing):
    send("a")
    pump = pumping(Function(), credentials=credentials(set(NEEDED) - {missing}))
    for _ in range(100):
        if pump.last_error is not None:
            break
        time.sleep(0.02)
    assert missing in str(pump.last_error)
    assert left(aws) != (0, 0)


# ---- answers ----


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "1"}]}, {"1", "2"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, None),
        ({"batchItemFailures": [{"wrong": "1"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "unknown"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": ["1"]}]}, None),
        ({"batchItemFailures": {}}, None),
        ("text", None),
    ],
)
def test_an_answer_means_what_the_developer_guide_says(answer, failed):
    assert failures_of(answer, ["1", "2", "3"]) == failed
