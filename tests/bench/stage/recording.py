"""Each endpoint of each variant called once against moto and the simulator, all their answers written down."""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from tests.bench.measuring.calling import FailedCallError
from tests.bench.stage.canned import Forwarding, Script
from tests.bench.stage.endpoints import ENDPOINTS, called, notified
from tests.bench.stage.stage import Stage
from tests.bench.stage.variants import Variant
from tests.kit.wechat_pay import WeChatPay


@dataclass(frozen=True)
class Recorded:
    """One call: what it was answered with from outside, what it answered, and its event, made anew for each process."""

    script: Script
    answer: dict[str, Any]
    event: Callable[[], dict[str, Any]]


def record(stage: Stage, variant: Variant, only: Collection[str] = ENDPOINTS) -> dict[str, Recorded]:
    """These endpoints. Raises FailedCallError where one does not succeed."""
    return _Recording(stage, variant, frozenset(only)).run()


class _Recording:
    def __init__(self, stage: Stage, variant: Variant, only: frozenset[str]) -> None:
        self._stage, self._variant, self._only = stage, variant, only
        self._source = Forwarding(aws=stage.aws[variant.name].url, wechat=stage.simulator)
        self._recorded: dict[str, Recorded] = {}

    def run(self) -> dict[str, Recorded]:
        stage = self._stage
        stage.canned.source = self._source
        stage.canned.reset()
        if self._only & {"native", "jsapi"}:
            self._record("native", lambda: called("native", key=f"{self._variant.name}-1"))
        if "jsapi" in self._only:  # by then its buyer has an order open
            self._record("jsapi", lambda: called("jsapi", key=f"{self._variant.name}-2"))
        if self._only <= {"native", "jsapi"}:
            return self._recorded
        waiting, closing, paid = self._opened(3)
        if "query" in self._only:
            self._record("query", lambda: called("query", number=waiting["outTradeNo"]))
        if "close" in self._only:
            self._record("close", lambda: called("close", number=closing["outTradeNo"]))
        if self._only <= {"native", "jsapi", "query", "close"}:
            return self._recorded
        number = paid["outTradeNo"]
        stage.control("pay", {"codeUrl": paid["codeUrl"]})
        body = self._notification(number)
        self._record("notify", lambda: notified(body, stage.credentials))
        self._record("payment", lambda: called("payment", number=number))
        self._record("refund", lambda: called("refund", number=number, key=f"{self._variant.name}-3"))
        return self._recorded

    def _record(self, endpoint: str, event: Callable[[], dict[str, Any]]) -> None:
        script = self._source.script = Script()
        with self._stage.started(self._variant, endpoint, recording=True) as process:
            answer = process.call(event()).answer
        self._source.script = None
        if answer["statusCode"] != 200:
            raise FailedCallError(
                f"{self._variant.name}, {endpoint}, answered {answer}, having asked {script.order}"
            )
        self._recorded[endpoint] = Recorded(script, answer, event)

    def _opened(self, many: int) -> list[dict[str, Any]]:
        """Open orders, of which nothing is written down."""
        opened = []
        with self._stage.started(self._variant, "native", recording=True) as process:
            for place in range(many):
                answer = process.call(called("native", key=f"{self._variant.name}-open-{place}")).answer
                opened.append(json.loads(answer["body"])["data"])
        return opened

    def _notification(self, number: str) -> bytes:
        """The body by which WeChat Pay tells of a paid order."""
        orders = self._stage.control("orders")["orders"]
        order = next(order for order in orders if order["out_trade_no"] == number)
        credentials = self._stage.credentials
        item = {
            "amount": {"N": str(order["amount"]["total"])},
            "mchid": {"S": credentials.mchid},
            "appid": {"S": credentials.appid},
            "out_trade_no": {"S": number},
        }
        pay = WeChatPay(credentials, time)
        return pay.envelope(pay.transaction(item, transaction_id=order["transaction_id"]))
