"""What alarms and dashboard look at is measured, and every alarm says where to read on."""

import json
import re
from pathlib import Path

import pytest

from sandbox.stack import STACK_NAME
from tests.alarms.cloudwatch import Metrics, calculate, rings, sources
from tests.alarms.world import World

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs/operations.md").read_text()
HEADINGS = set(re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE))
MEASURED = set(
    re.findall(r"`([A-Z][A-Za-z]+)`", RUNBOOK.split("## What is measured")[1].split("## Alarms")[0])
)
ELSEWHERE = {  # other services' own, by their user guides
    "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency"},
    "AWS/Lambda": {"Errors", "IteratorAge", "OnFailureDestinationDeliveredEventCount"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}


@pytest.fixture
def alarms(shared_world: World):
    return shared_world.sandbox.deployed.alarms


def test_every_alarm_has_its_paragraph_and_says_where_it_is(alarms) -> None:
    anchors = {
        name: alarm["AlarmDescription"].partition("docs/operations.md#")[2] for name, alarm in alarms.items()
    }
    assert set(anchors.values()) == HEADINGS
    assert len(set(anchors.values())) == len(anchors)
    for heading in HEADINGS:
        paragraph = RUNBOOK.split(f"### {heading}\n")[1].split("###")[0]
        for part in ("**Means:**", "**Look:**", "**Do:**"):
            assert part in paragraph, heading


def test_what_the_code_measures_by_name_is_in_the_list() -> None:
    named = re.compile(r"\b(?:count|measure)\(\s*\{?\"(\w+)\"")
    files = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/payments").rglob("*.py")]
    measured = {name for file in files for name in named.findall(file.read_text())}
    assert "Quarantined" in measured
    assert measured <= MEASURED


def test_alarms_look_only_at_what_is_measured(alarms) -> None:
    for name, alarm in alarms.items():
        for stat in sources(alarm):
            metric = stat["Metric"]
            known = MEASURED if metric["Namespace"] == "WeChatPay" else ELSEWHERE[metric["Namespace"]]
            assert metric["MetricName"] in known, name


def test_the_dashboard_shows_only_what_is_measured() -> None:
    from sandbox.cloudformation.template import transformed

    body = transformed(ROOT / "template.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    shown = set()
    for widget in json.loads(body["Fn::Sub"])["widgets"]:
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], str):
                shown.add(metric[1])
                known = MEASURED if metric[0] == "WeChatPay" else ELSEWHERE[metric[0]]
                assert metric[1] in known, widget["properties"]["title"]
    # The specification's key metrics, and what they are made of.
    assert {
        "PaymentCreated",
        "PaymentSucceeded",
        "PaymentSeconds",
        "RefundSucceeded",
        "NotificationFailed",
    } <= shown


def test_what_functions_measure_is_in_the_list(shared_world: World) -> None:
    shared_world.begin()
    shared_world.paid()
    shared_world.begin()
    measured = {name for namespace, name in shared_world.seen if namespace == "WeChatPay"}
    assert {
        "OrderFailed",
        "WeChatTime",
        "PaymentSeconds",
        "NotificationFailed",
        "OldestDueSeconds",
    } <= measured
    assert measured <= MEASURED


def test_alarms_speak_to_nobody_unless_told_whom(alarms) -> None:
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == []
        assert alarm.get("InsufficientDataActions", []) == []


def test_a_new_stack_rings_nothing_before_its_first_minute_and_silence_after_it_does(alarms) -> None:
    metrics = Metrics()
    assert {name for name, alarm in alarms.items() if rings(alarm, metrics, now=600)} == set()
    metrics.put("WeChatPay", "OldestDueSeconds", {"service": STACK_NAME}, 0, 610)
    assert not rings(alarms["OldestDueAlarm"], metrics, now=700)
    assert rings(alarms["OldestDueAlarm"], metrics, now=1300)


def test_who_is_told_of_an_alarm_is_told_of_missing_data_where_that_is_the_fault() -> None:
    from sandbox.cloudformation.template import transformed

    oldest = transformed(ROOT / "template.yaml")["Resources"]["OldestDueAlarm"]["Properties"]
    assert oldest["InsufficientDataActions"] == oldest["AlarmActions"] != []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("100 * a / b", 50),
        ("100 * a / nought", None),
        ("a + missing", None),
        ("SUM(METRICS())", 3),
        ("MAX(METRICS())", 2),
        ("IF(a >= 1, 100 * a / IF(nought > 0, nought, 1), 0)", 100),
        ("IF(missing > 0, 1, 2)", None),
    ],
)
def test_metric_math(expression: str, expected: float | None) -> None:
    found = {"a": {0: 1.0}, "b": {0: 2.0}, "nought": {0: 0.0}, "missing": {}}
    assert calculate(expression, found, 0) == expected


def test_m_out_of_n_and_missing_data() -> None:
    alarm = {
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": "1",
        "TreatMissingData": "notBreaching",
    }
    metrics = Metrics()
    metrics.put("N", "M", {}, 2, 0)
    metrics.put("N", "M", {}, 1, 61)
    assert not rings(alarm, metrics, now=130)
    metrics.put("N", "M", {}, 1, 110)
    assert rings(alarm, metrics, now=130)
    assert rings(alarm | {"TreatMissingData": "breaching"}, metrics, now=250)
    assert not rings(alarm, metrics, now=250)
