"""Metrics: lines that CloudWatch reads as numbers, for the whole stack and once more by what tells them apart."""

import json

import pytest

from payments.metrics import metric_line
from payments.wiring import Wiring


def test_a_line_holds_what_cloudwatch_needs_and_counts_for_the_whole_stack_too() -> None:
    text = metric_line(
        {"WeChatTime": 120},
        service="wechatpay-dev",
        now=1700000000.5,
        unit="Milliseconds",
        dimensions={"operation": "native"},
    )
    assert json.loads(text) == {
        "_aws": {
            "Timestamp": 1700000000500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "WeChatPay",
                    "Dimensions": [["service"], ["service", "operation"]],
                    "Metrics": [{"Name": "WeChatTime", "Unit": "Milliseconds"}],
                }
            ],
        },
        "service": "wechatpay-dev",
        "operation": "native",
        "WeChatTime": 120,
    }
    assert "\n" not in text


def test_several_values_of_one_moment_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Wiring({"POWERTOOLS_SERVICE_NAME": "wechatpay-prod"}).measure({"PaymentCreated": 3, "PaymentClosed": 1})
    (printed,) = capsys.readouterr().out.splitlines()
    members = json.loads(printed)
    assert (members["service"], members["PaymentCreated"], members["PaymentClosed"]) == (
        "wechatpay-prod",
        3,
        1,
    )
    assert members["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
