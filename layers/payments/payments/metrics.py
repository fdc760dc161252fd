"""Metrics as lines on standard output, which CloudWatch turns into numbers: nothing is called, nothing waits.

Source: CloudWatch user guide, "Specification: Embedded metric format".
"""

import json
from collections.abc import Mapping

NAMESPACE = "WeChatPay"


def metric_line(
    values: Mapping[str, float], *, service: str, now: float, unit: str, dimensions: Mapping[str, str]
) -> str:
    """One line for one moment: `values` by metric name, all in `unit` (CloudWatch's word), `now` in epoch seconds.

    Each is counted for the whole `service`, and once more under `dimensions` where there are any: CloudWatch adds nothing
    up over dimensions by itself, and an alarm needs the whole.
    """
    sets = [["service"], ["service", *dimensions]] if dimensions else [["service"]]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": sets,
        "Metrics": [{"Name": name, "Unit": unit} for name in values],
    }
    members = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}, "service": service}
    return json.dumps({**members, **dimensions, **values}, separators=(",", ":"))
