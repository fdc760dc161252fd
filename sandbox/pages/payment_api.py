"""The payment API as the shop's backend calls it: as a trusted backend, over HTTP."""

from typing import Any

import requests

from sandbox.pages.running import Running

TIMEOUT_SECONDS = 35  # a little more than API Gateway's own
WECHAT = "/api/v1/payments/wechat"


class RefusalError(Exception):
    """The payment API said no."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence


class PaymentApi:
    """Raises RefusalError, and requests.RequestException when nobody answers."""

    def __init__(self, sandbox: Running) -> None:
        self._sandbox = sandbox

    def native(self, order: dict[str, Any], *, key: str) -> dict[str, Any]:
        """POST …/native."""
        return self._call("POST", "/native", order, {"Idempotency-Key": key})

    def payment(self, out_trade_no: str) -> dict[str, Any]:
        """GET …/payment/{outTradeNo}."""
        return self._call("GET", f"/payment/{out_trade_no}", None, {})

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        token = self._sandbox.tokens.token("shop-backend", "payments:charge")
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment has no business between here and here
            answer = session.request(
                method,
                self._sandbox.api + WECHAT + path,
                json=body,
                headers={"Authorization": f"Bearer {token}", **headers},
                timeout=TIMEOUT_SECONDS,
            )
        members: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            sentence = str(members.get("error") or members.get("message") or "")
            raise RefusalError(answer.status_code, str(members.get("code", "OTHER")), sentence)
        data: dict[str, Any] = members["data"]
        return data
