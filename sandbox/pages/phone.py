"""The phone's way to WeChat Pay's simulator: scanning a code, what can be paid, and paying it, at once or late."""

from typing import Any

import requests
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.body import members
from sandbox.pages.headers import refused, told
from sandbox.pages.prices import yuan
from sandbox.pages.running import Running
from sandbox.pages.scanning import MAX_PICTURE_BYTES, text_in

TIMEOUT_SECONDS = 10
LATE_SECONDS = 20  # seconds that WeChat Pay's notification takes when the buyer pays "late"


class Phone:
    """The routes that the phone's script calls, all under /phone/."""

    def __init__(self, sandbox: Running) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[BaseRoute]:
        """The phone's routes."""
        return [
            Route("/phone/orders", self.orders),
            Route("/phone/scan", self.scan, methods=["POST"]),
            Route("/phone/pay", self.pay, methods=["POST"]),
        ]

    async def orders(self, _: Request) -> Response:
        """The simulator's ledger, newest order first, and whom the money goes to."""
        try:
            answer = await run_in_threadpool(self._call, "GET", "orders", None)
        except requests.RequestException:
            return _unreachable()
        merchant = {"name": self._sandbox.merchant_name, "number": self._sandbox.credentials.mchid}
        orders = [_shown(entry) for entry in reversed(answer.json()["orders"])]
        return told({"merchant": merchant, "orders": orders})

    async def scan(self, request: Request) -> Response:
        """The bytes of a PNG → `{"text"}` of the code in it, and the `order` that WeChat knows by it; the page turns any other picture into one."""
        picture = bytearray()
        async for chunk in request.stream():
            picture += chunk
            if len(picture) > MAX_PICTURE_BYTES:
                return refused(413, "PICTURE_TOO_LARGE", "The picture is over 8 MB.")
        text = await run_in_threadpool(text_in, bytes(picture))
        if text is None:
            return refused(422, "NO_CODE", "There is no code to be seen in this picture.")
        try:
            answer = await run_in_threadpool(self._call, "POST", "scan", {"codeUrl": text})
        except requests.RequestException:
            return _unreachable()
        known = answer.status_code == 200
        return told({"text": text, "order": _shown(answer.json())} if known else {"text": text})

    async def pay(self, request: Request) -> Response:
        """`{"codeUrl"}`, `{"outTradeNo"}` or `{"h5Url"}` and how its browser comes, `late`?: the buyer confirms.

        What WeChat refuses keeps its status, code and sentence.

        With `late` true the merchant hears of it only some seconds afterwards.
        """
        body = await members(request)
        late = body.pop("late", False) is True
        try:
            if late:
                rule = {"on": "notification", "effect": "delay", "seconds": LATE_SECONDS, "times": 1}
                await run_in_threadpool(self._call, "POST", "faults", {"rules": [rule]})
            answer = await run_in_threadpool(self._call, "POST", "pay", body)
        except requests.RequestException:
            return _unreachable()
        result = answer.json()
        if answer.status_code != 200:
            return refused(answer.status_code, result["code"], result["error"])
        return told({"outTradeNo": result["out_trade_no"], "transactionId": result["transaction_id"]})

    def _call(self, method: str, control: str, body: dict[str, Any] | None) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment has no business between here and here
            url = f"{self._sandbox.simulator}/_sandbox/{control}"
            return session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)


def _shown(entry: dict[str, Any]) -> dict[str, object]:
    link = {"h5Url": entry["h5_url"]} if "h5_url" in entry else {}
    return link | {
        "outTradeNo": entry["out_trade_no"],
        "kind": entry["trade_type"],
        "state": entry["trade_state"],
        "amount": yuan(entry["amount"]["total"]),
        "description": entry["description"],
    }


def _unreachable() -> Response:
    return refused(502, "WECHAT_UNREACHABLE", "WeChat Pay's simulator does not answer.")
