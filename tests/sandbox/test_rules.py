"""A rule hands a bus's events to a function: those of its pattern, in EventBridge's envelope, tried again as Lambda does."""

import json
import threading
from decimal import Decimal

import pytest

from sandbox.deployed import Rule
from sandbox.triggers.patterns import UnsupportedPatternError, check, matches
from sandbox.triggers.rules import MAX_CALLS_AT_ONCE, RulePump
from tests.sandbox.bus import Bus

ARN = "arn:aws:events:us-east-1:123456789012:rule/payments/news"


def event(**changes):
    told = {
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": "wechatpay.payments",
        "detail-type": "PaymentSucceeded",
        "detail": {
            "version": 3,
            "status": "succeeded",
            "late": False,
            "tags": ["a", "b"],
            "amount": {"total": 1},
        },
        "time": "2024-01-01T12:00:00Z",
        "bus": "payments",
        "resources": [],
        **changes,
    }
    if "detail_text" not in told:
        told["detail_text"] = json.dumps(told["detail"])
    return told


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ({"source": ["wechatpay.payments"]}, True),
        ({"source": ["else", "wechatpay.payments"]}, True),
        ({"source": ["wechatpay"]}, False),
        ({"source": [{"prefix": "wechatpay"}]}, True),
        ({"source": [{"prefix": "payments"}]}, False),
        ({"detail-type": ["PaymentClosed", {"prefix": "Payment"}]}, True),
        ({"source": ["wechatpay.payments"], "detail-type": ["PaymentClosed"]}, False),
        ({"detail": {"status": ["succeeded"], "version": [2, 3]}}, True),
        ({"detail": {"status": ["succeeded"], "version": ["3"]}}, False),
        ({"detail": {"version": [{"prefix": "3"}]}}, False),
        ({"detail": {"late": [False]}}, True),
        ({"detail": {"late": [0]}}, False),
        ({"detail": {"tags": ["b", "c"]}}, True),
        ({"detail": {"tags": ["c"]}}, False),
        ({"detail": {"amount": {"total": [1]}}}, True),
        ({"detail": {"amount": [1]}}, False),
        ({"detail": {"status": {"total": [1]}}}, False),
        ({"detail": {"absent": [None]}}, False),
    ],
)
def test_a_pattern_takes_what_has_all_its_fields_with_one_of_their_values(pattern, taken):
    check(pattern)
    assert matches(pattern, event()) is taken


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ({}, "at least one field"),
        ({"source": []}, "EventPattern.source must be a list of values"),
        ({"source": "x"}, "EventPattern.source must be a list of values"),
        ({"detail": {"status": {}}}, "EventPattern.detail.status must be an object"),
        (
            {"detail": {"status": [{"anything-but": "x"}]}},
            "EventPattern.detail.status: the sandbox knows no anything-but",
        ),
        ({"source": [{"exists": True}]}, "knows no exists"),
        ({"source": [{"prefix": 1}]}, "a prefix must be text"),
        ({"source": [["x"]]}, "a list within a list"),
        ([], "must be an object"),
        ({"detail": {"rate": [1.5]}}, "EventPattern.detail.rate: the sandbox knows whole numbers only"),
    ],
)
def test_a_pattern_that_could_not_be_judged_is_refused(pattern, message):
    with pytest.raises(UnsupportedPatternError, match=message):
        check(pattern)


class Function:
    def __init__(self, behaviour=lambda _: None):
        self.texts, self.events, self.behaviour = [], [], behaviour

    def __call__(self, logical_id, event):
        assert logical_id == "LivePushFunction"
        self.texts.append(event)
        self.events.append(json.loads(event))
        return self.behaviour(self.events[-1])


def fails(_):
    raise RuntimeError("not today")


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def start(bus, clock, running):
    def make(function, *, pattern=None, retries=2):
        pattern = pattern or {"source": ["wechatpay.payments"]}
        rule = Rule("News", ARN, "LivePushFunction", "payments", pattern, retries)
        return running(RulePump(bus, rule, function, clock=clock))

    return make


def test_a_queue_gets_the_envelope_as_its_messages_body(bus, clock, running, aws):
    queues = aws.client("sqs")
    url = queues.create_queue(QueueName="kept")["QueueUrl"]
    bus.client = aws.client
    rule = Rule("News", ARN, None, "payments", {"source": ["wechatpay.payments"]}, 2, queue_url=url)
    pump = running(RulePump(bus, rule, Function(), clock=clock))
    bus.take(event(detail_text='{"version":3,"amount":1.50}'), event(bus="default"))
    assert pump.drain(5)
    (message,) = queues.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail-type"] == "PaymentSucceeded"
    assert message["Body"].endswith('"detail":{"version":3,"amount":1.50}}')


def test_an_event_arrives_in_eventbridges_envelope(bus, start):
    function = Function()
    pump = start(function)

    bus.take(event(resources=["arn:aws:x"]))

    assert pump.drain(5)
    assert function.events == [
        {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "PaymentSucceeded",
            "source": "wechatpay.payments",
            "account": "123456789012",
            "time": "2024-01-01T12:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:x"],
            "detail": event()["detail"],
        }
    ]


def test_a_detail_arrives_to_the_letter(bus, start):
    detail = '{"price": 1.10, "share": 12345678901234567890.123, "tiny":1e-400}'
    function = Function()
    pump = start(function)

    bus.take(event(detail=json.loads(detail, parse_float=Decimal), detail_text=detail))

    assert pump.drain(5)
    assert b'"detail":' + detail.encode() in function.texts[0]


@pytest.mark.parametrize(
    ("text", "taken"), [("300", True), ("300.0", False), ("3e2", False), ("300.5", False)]
)
def test_a_number_is_matched_as_it_is_written(text, taken):
    told = event(detail={"total": json.loads(text, parse_float=Decimal)}, detail_text="")
    assert matches({"detail": {"total": [300]}}, told) is taken


def test_events_of_another_bus_or_another_pattern_do_not_arrive(bus, start):
    function = Function()
    pump = start(function, pattern={"detail-type": ["PaymentSucceeded"], "region": ["us-east-1"]})

    bus.take(event(bus="default"), event(**{"detail-type": "PaymentClosed"}), event(id="the one"))

    assert pump.drain(5)
    assert [e["id"] for e in function.events] == ["the one"]


def test_what_fails_is_tried_again_after_one_and_two_minutes_and_then_given_up(bus, start, clock):
    function = Function(fails)
    pump = start(function)
    bus.take(event())
    assert pump.drain(5)
    tries = [len(function.events)]
    for seconds in (59, 1, 119, 1, 3600):
        clock.advance(seconds)
        assert pump.drain(5)
        tries.append(len(function.events))

    assert tries == [1, 1, 2, 2, 3, 3]
    assert [e["id"] for e in pump.discarded] == [event()["id"]]


def test_a_function_that_is_not_to_be_repeated_is_not(bus, start, clock):
    pump = start(Function(fails), retries=0)
    bus.take(event())
    assert pump.drain(5)
    clock.advance(3600)
    assert pump.drain(5)
    assert (pump.invocations, len(pump.discarded)) == (1, 1)


def test_what_fails_holds_up_nothing_else(bus, start):
    function = Function(lambda e: fails(e) if e["id"] == "bad" else None)
    pump = start(function)
    bus.take(event(id="bad"), event(id="good"))
    assert pump.drain(5)
    assert {e["id"] for e in function.events} == {"bad", "good"}


def test_a_few_are_under_way_at_once_and_drain_waits_for_all(bus, start):
    begun, go = threading.Semaphore(0), threading.Event()

    def slow(_):
        begun.release()
        assert go.wait(5)

    function = Function(slow)
    pump = start(function)
    bus.take(*[event(id=str(number)) for number in range(MAX_CALLS_AT_ONCE + 1)])
    for _ in range(MAX_CALLS_AT_ONCE):
        assert begun.acquire(timeout=5)

    assert not pump.drain(0.1)
    assert len(function.events) == MAX_CALLS_AT_ONCE
    go.set()
    assert pump.drain(5)
    assert len(function.events) == MAX_CALLS_AT_ONCE + 1


def test_a_rule_that_was_stopped_holds_nobody_up(bus, start):
    pump = start(Function())
    pump.stop()
    bus.take(event())
    assert pump.drain(5)
    assert pump.invocations == 0
