"""A shop: the one client of a running sandbox's API, and of the simulator's controls."""

import json
import threading
from typing import Any

import requests

from tests.kit.document import DOCUMENT
from tests.kit.running import Running

WECHAT = "/api/v1/payments/wechat"
WITHIN_WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.47"


class Shop:
    """Calls of a trusted backend and of the back office. One HTTP session for each thread."""

    def __init__(self, sandbox: Running) -> None:
        self.sandbox = sandbox
        self._here = threading.local()

    @property
    def http(self) -> requests.Session:
        """This thread's session."""
        if not hasattr(self._here, "session"):
            self._here.session = requests.Session()
            self._here.session.trust_env = False
        session: requests.Session = self._here.session
        return session

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        scope: str = "payments:charge",
        key: str | None = None,
        sub: str = "shop",
    ) -> requests.Response:
        token = self.sandbox.tokens.token(sub, scope)
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        answer = self.http.request(
            method, self.sandbox.api + WECHAT + path, json=body, headers=headers, timeout=60
        )
        told = {name.lower(): value for name, value in answer.headers.items()}
        problem = DOCUMENT.problem(method, WECHAT + path, answer.status_code, told, answer.content)
        assert not problem, problem  # an answer that docs/openapi.yaml does not know
        return answer

    def native(self, amount: object = "100.00", **extra: Any) -> requests.Response:
        body = {"contentId": "content-1", "amount": amount, "subject": "A thing"}
        return self.call("POST", "/native", body, **extra)

    def app(self, amount: object = "100.00", **extra: Any) -> requests.Response:
        body = {"contentId": "content-1", "amount": amount, "subject": "A thing"}
        return self.call("POST", "/app", body, **extra)

    def h5(self, amount: object = "100.00", **extra: Any) -> requests.Response:
        body = {"contentId": "content-1", "amount": amount, "subject": "A thing", "clientIp": "127.0.0.1"}
        return self.call("POST", "/h5", body, **extra)

    def jsapi(self, amount: object = "100.00", **extra: Any) -> requests.Response:
        body = {"contentId": "content-1", "amount": amount, "subject": "A thing", "openid": "oBuyer-1"}
        return self.call("POST", "/jsapi", body, **extra)

    def refund(
        self, number: str, amount: object, *, reason: str | None = None, key: str | None = None
    ) -> requests.Response:
        body = {"outTradeNo": number, "refundAmount": amount} | ({"refundReason": reason} if reason else {})
        return self.call("POST", "/refund", body, scope="payments:refund", key=key)

    def close(self, number: str) -> requests.Response:
        return self.call("POST", "/close", {"outTradeNo": number})

    def query(self, number: str) -> dict[str, Any]:
        return self._data(self.call("GET", f"/query/{number}"))

    def details(self, number: str) -> dict[str, Any]:
        return self._data(self.call("GET", f"/payment/{number}"))

    def paid_order(self, amount: object = "100.00") -> str:
        """An order that was paid and whose notification has arrived."""
        number: str = self._data(self.native(amount))["outTradeNo"]
        assert self.control("pay", {"outTradeNo": number}).status_code == 200
        self.sandbox.wait_until(lambda: self.details(number)["status"] == "succeeded")
        return number

    def control(self, name: str, body: dict[str, Any]) -> requests.Response:
        """One of the simulator's controls."""
        return self.http.post(f"{self.sandbox.simulator}/_sandbox/{name}", json=body, timeout=30)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the simulator's faults; none given clears them."""
        self.http.delete(f"{self.sandbox.simulator}/_sandbox/faults", timeout=30)
        if rules:
            answer = self.control("faults", {"rules": list(rules)})
            assert answer.status_code == 200, answer.text

    def book(self, number: str) -> dict[str, Any] | None:
        """WeChat Pay's own entry for an order."""
        return next((order for order in self.books() if order["out_trade_no"] == number), None)

    def books(self) -> list[dict[str, Any]]:
        """WeChat Pay's own entries for all orders."""
        answer = self.http.get(f"{self.sandbox.simulator}/_sandbox/orders", timeout=30)
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders

    def within_wechat(self, checkout_url: str) -> requests.Session:
        """A browser within somebody's WeChat that has opened this address, gone to WeChat and come back."""
        browser = requests.Session()
        browser.trust_env = False
        browser.headers["user-agent"] = WITHIN_WECHAT
        page = browser.get(f"{checkout_url}/wechat", timeout=60)
        assert [answer.status_code for answer in (*page.history, page)] == [302, 302, 302, 200], page.text
        assert page.url.partition("#")[0] == checkout_url  # a redirect inherits what stands behind it
        return browser

    def events(self, number: str) -> list[dict[str, Any]]:
        """What the bus took about one order."""
        self.sandbox.drain()
        return [event for event in self.sandbox.events() if event["detail"].get("outTradeNo") == number]

    @staticmethod
    def _data(answer: requests.Response) -> dict[str, Any]:
        assert answer.status_code == 200, (answer.status_code, answer.text)
        data: dict[str, Any] = answer.json()["data"]
        return data


def counted(shop: Shop, function: str, metric: str) -> list[float]:
    """The values of a metric in a function's log, where CloudWatch would read them (embedded metric format)."""
    lines = [json.loads(line) for line in shop.sandbox.lambdas.logs(function).splitlines() if line]
    found = [line for line in lines if metric in line]
    for line in found:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "WeChatPay"
        assert {"Name": metric, "Unit": "Count"} in directive["Metrics"]
    return [line[metric] for line in found]
