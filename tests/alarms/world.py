"""A sandbox whose functions' metrics are read from their logs, with the numbers that AWS itself would count beside them.

A world of its own because only here CloudWatch counts, over simulated hours. Its calls are the shop's of tests/kit.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from sandbox.functions.lambdas import FunctionError
from sandbox.stack import NOTIFY_PATH, STACK_NAME
from tests.alarms.cloudwatch import Metrics, rings
from tests.kit.running import Running
from tests.kit.shop import Shop

ROOT = Path(__file__).parents[2]
STEP = 300  # seconds, the shortest period of our alarms


class World:
    """One sandbox, and the alarms of its template. What a drill measures begins with `begin`."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.seen: set[tuple[str, str]] = set()
        self.sandbox = Running(schedules=False, parameters={"AlarmEmail": ""}, log_sink=self._written)
        self.shop = Shop(self.sandbox)
        self._began = 0.0

    def _written(self, _logical_id: str, line: str) -> None:
        self.metrics.read(line)

    def begin(self) -> None:
        """Forget what was measured; what an earlier drill left without an answer has one by then."""
        self.faults()
        for _ in range(3):  # by then no breaker is open any more, and what was left alone has been looked at
            self.later()
        # From the beginning of a period on, a drill that lets no time pass stays within it: in the next one, which nobody has
        # swept, the alarm that hears silence would rightly ring.
        self.sandbox.clock.advance(STEP - self.now() % STEP)
        self.seen |= self.metrics.names
        self.metrics = Metrics()
        self._began = self.now()
        self.sweep()

    def now(self) -> float:
        return self.sandbox.clock.time()

    def sweep(self) -> None:
        """What EventBridge does each minute."""
        self.sandbox.schedules["SweepFunctionEachMinute"].run_now()
        self.sandbox.drain()

    def oldest(self) -> float:
        """The most that the sweep said of the oldest due payment in the last two periods, in seconds."""
        dimensions = [{"Name": "service", "Value": STACK_NAME}]
        metric = {"Namespace": "WeChatPay", "MetricName": "OldestDueSeconds", "Dimensions": dimensions}
        series = self.metrics.series({"Metric": metric, "Period": STEP, "Stat": "Maximum"})
        return max(series[begin] for begin in sorted(series)[-2:])

    def later(self, seconds: int = STEP) -> None:
        self.sandbox.clock.advance(seconds)
        self.sweep()

    def rung(self) -> set[str]:
        """The alarms that have rung at some time since the drill began."""
        self.sandbox.drain()
        moments = [*range(int(self._began), int(self.now()), 60), self.now()]
        return {
            name
            for name, alarm in self.sandbox.deployed.alarms.items()
            if any(rings(alarm, self.metrics, now=moment) for moment in moments)
        }

    # ---- what people and WeChat Pay do; API Gateway counts it ----

    def _counted(self, answer: requests.Response) -> requests.Response:
        api = {"ApiId": self.sandbox.deployed.refs["Api"]}
        self.metrics.put("AWS/ApiGateway", "Count", api, 1, self.now())
        self.metrics.put("AWS/ApiGateway", "5xx", api, int(answer.status_code >= 500), self.now())
        return answer

    def order(self) -> requests.Response:
        return self._counted(self.shop.native(1))

    def opened(self) -> str:
        number: str = self.order().json()["data"]["outTradeNo"]
        return number

    def paid(self) -> str:
        number = self.opened()
        self.control("pay", {"outTradeNo": number})
        self.wait_for("PaymentSeconds")
        return number

    def close(self, number: str) -> requests.Response:
        return self._counted(self.shop.close(number))

    def refund(self, number: str) -> requests.Response:
        return self._counted(self.shop.refund(number, "0.10"))

    def notify(self, number: str, total: int, *, signature: str | None = None) -> int:
        """WeChat Pay's notification that this order was paid, signed as it would, or with another signature."""
        made = subprocess.run(
            [
                sys.executable,
                ROOT / "events/sign_notify.py",
                *("--credentials", str(self.sandbox.credentials_path), "--out-trade-no", number),
                *("--total", str(total), "--timestamp", str(int(self.now()))),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        event = json.loads(made.stdout)
        headers = event["headers"] | ({"wechatpay-signature": signature} if signature else {})
        headers.pop("host")
        url, body = self.sandbox.api + NOTIFY_PATH, event["body"].encode()
        return self._counted(requests.post(url, data=body, headers=headers, timeout=60)).status_code

    def control(self, name: str, body: dict[str, Any]) -> None:
        answer = self.shop.control(name, body)
        assert answer.status_code == 200, answer.text

    def faults(self, *rules: dict[str, Any]) -> None:
        self.shop.faults(*rules)

    # ---- what AWS counts of functions and queues ----

    def invoke(self, function: str, event: dict[str, Any]) -> None:
        name = {"FunctionName": self.sandbox.deployed.functions[function].name}
        try:
            self.sandbox.lambdas.invoke(function, event)
        except FunctionError:
            self.metrics.put("AWS/Lambda", "Errors", name, 1, self.now())
        else:
            self.metrics.put("AWS/Lambda", "Errors", name, 0, self.now())

    def look_at_queue(self, queue: str) -> None:
        known = self.sandbox.deployed
        asked = self.sandbox.aws.client("sqs").get_queue_attributes(
            QueueUrl=known.refs[queue], AttributeNames=["ApproximateNumberOfMessages"]
        )
        waiting = int(asked["Attributes"]["ApproximateNumberOfMessages"])
        name = {"QueueName": known.attributes[queue]["QueueName"]}
        self.metrics.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", name, waiting, self.now())

    def put(self, namespace: str, name: str, dimensions: dict[str, str], value: float) -> None:
        """A number that this machine cannot count."""
        self.metrics.put(namespace, name, dimensions, value, self.now())

    def wait_for(self, metric: str) -> None:
        """Until the product has measured it: a notification or an event on its way."""
        self.until(lambda: ("WeChatPay", metric) in self.metrics.names)

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, "it did not happen within 30 seconds"
            time.sleep(0.05)
