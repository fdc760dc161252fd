"""A sandbox that a test can wait for, and what its functions measured."""

import json
import threading
from typing import Any

from sandbox.stack import Sandbox
from tests.kit.shop import Shop


class Running(Sandbox):
    """A sandbox that a test can wait for."""

    def minutes(self, count: int) -> None:
        """Let `count` minutes pass one by one, each until everything that it set off is done."""
        for _ in range(count):
            self.clock.advance(60)
            assert self.drain(20)

    def wait_until(self, holds: Any, seconds: float = 15.0) -> None:
        waited = threading.Event()
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            waited.wait(0.02)
        raise AssertionError(f"did not come to hold within {seconds} seconds")


def counted(shop: Shop, function: str, metric: str) -> list[float]:
    """The values of a metric in a function's log, where CloudWatch would read them (embedded metric format)."""
    lines = [json.loads(line) for line in shop.sandbox.lambdas.logs(function).splitlines() if line]
    found = [line for line in lines if metric in line]
    for line in found:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "WeChatPay"
        assert {"Name": metric, "Unit": "Count"} in directive["Metrics"]
    return [line[metric] for line in found]
