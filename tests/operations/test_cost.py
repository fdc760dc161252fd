"""The prices of docs/cost.md stand on what a payment really calls."""

from pathlib import Path

import pytest

from sandbox.cloudformation.template import transformed
from sandbox.commands.cost import ACCESS_LINE, Counted, abandoned, asked, counted, table, waiting
from sandbox.stack import TEMPLATE, Sandbox
from tests.kit.running import Running

pytestmark = pytest.mark.in_turn

DOCUMENT = (Path(__file__).parents[2] / "docs/cost.md").read_text()


def stands_there(what: str, found: Counted, *parts: str) -> None:
    assert f"{asked(what, found)}\n" in DOCUMENT
    rows = {row.split("|")[1].strip(): row for row in table(found).splitlines()[2:-1]}
    for name in ("API Gateway, requests", "DynamoDB, write units", "DynamoDB, read units", *parts):
        assert rows[name] in DOCUMENT


def test_the_counts_that_are_written_down_are_the_counts(sandbox: Sandbox) -> None:
    found = counted(sandbox)
    stands_there("payment", found, "EventBridge, events")
    # Batches differ in size, and log lines by a digit.
    assert 5 < found.units["Lambda, calls"] <= 13
    assert 5000 < found.units["CloudWatch, log bytes"] < 13_000


def test_an_order_that_nobody_pays_takes_the_looks_that_are_written_down() -> None:
    with Running(schedules=False) as sandbox:  # two hours pass there
        found = abandoned(sandbox)
    stands_there("order that nobody pays", found, "EventBridge, events", "SQS, requests")
    assert 8 <= found.units["Lambda, calls"] <= 33
    assert 10_000 < found.units["CloudWatch, log bytes"] < 25_000


def test_a_page_that_waits_costs_what_is_written_down() -> None:
    for socket in (True, False):
        assert table(waiting(socket=socket)) in DOCUMENT
    # A socket is there to spare looks.
    by_socket, by_looks = (waiting(socket=socket).units["API Gateway, requests"] for socket in (True, False))
    assert by_socket * 5 < by_looks


def test_what_a_month_costs_counts_the_alarms_metrics_and_secrets_that_there_are() -> None:
    resources = transformed(TEMPLATE)["Resources"].values()
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = sum(
        sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in alarms
    )
    assert f"| {len(alarms)} alarms over {metrics} metrics |" in DOCUMENT
    secrets = sum(one["Type"] == "AWS::SecretsManager::Secret" for one in resources)
    assert f"| {secrets} secrets |" in DOCUMENT


def test_a_line_of_the_access_log_is_no_longer_than_reckoned() -> None:
    stage = transformed(TEMPLATE)["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    line = stage["AccessLogSettings"]["Format"]  # its placeholders are about as long as what stands there
    assert len(line) + len("POST /api/v1/payments/wechat/native") <= ACCESS_LINE
