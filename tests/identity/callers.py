"""Callers with every form of access token, whatever their stack calls its scopes."""

from collections.abc import Mapping
from typing import Any

import requests

from payments.core.access import SCOPE_NAMES
from sandbox.stack import Sandbox
from tests.kit.document import DOCUMENT
from tests.kit.shop import WECHAT

NAMES: dict[str, Mapping[str, str]] = {
    "as by default": SCOPE_NAMES,
    "as Cognito has them": {
        "pay": "https://pay.example/api/buy",
        "charge": "shop-api/charge",
        "refund": "shop-api/refund",
        "read": "shop-api/read",
        "reconcile": "shop-api/reconcile",
    },
    "each another's": {
        "pay": "payments:charge",
        "charge": "payments:refund",
        "refund": "payments:read",
        "read": "payments:reconcile",
        "reconcile": "payments:pay",
    },
}
ORDER = {"contentId": "content-1", "amount": "19.99", "subject": "A photograph"}


class Callers:
    """Whoever calls one stack's API. Rights are pay, charge and refund, whatever their scopes are called there."""

    def __init__(self, sandbox: Sandbox, names: Mapping[str, str]) -> None:
        self.sandbox, self.names = sandbox, names
        self._http = requests.Session()
        self._http.trust_env = False

    def token(self, sub: str, *rights: str, form: str = "plain") -> str:
        """From the sandbox's issuer, over HTTP as everybody gets it, with a scope beside that is nobody's."""
        body = {
            "sub": sub,
            "scope": " ".join(["email", *(self.names[right] for right in rights)]),
            "form": form,
        }
        answer = self._http.post(f"{self.sandbox.api}/_sandbox/token", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token

    def call(self, token: str, what: str, body: Any = None) -> requests.Response:
        """POST with a body, else GET. An answer that docs/openapi.yaml does not know fails whoever asked."""
        method, path = "GET" if body is None else "POST", f"{WECHAT}/{what}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._http.request(method, self.sandbox.api + path, json=body, headers=headers, timeout=60)
        told = {name.lower(): value for name, value in answer.headers.items()}
        assert not DOCUMENT.problem(method, path, answer.status_code, told, answer.content)
        return answer

    def every_route(self, token: str, number: str) -> dict[str, tuple[int, str]]:
        """What each route makes of a token: status and code, or the gateway's own word."""
        bodies: dict[str, Any] = {
            "native": ORDER,
            "jsapi": {**ORDER, "openid": "oBuyer-1"},
            f"query/{number}": None,
            f"payment/{number}": None,
            "close": {"outTradeNo": number},
            "refund": {"outTradeNo": number, "refundAmount": "0.01"},
        }
        told = {}
        for what, body in bodies.items():
            answer = self.call(token, what, body)
            members = answer.json()
            word = members.get("code") or members.get("message") or "served"
            told[what.partition("/")[0]] = (answer.status_code, word)
        return told

    def quote(self, sub: str) -> str:
        return self.sandbox.tokens.quote(sub, "content-1", 1999)

    def paid(self, number: str) -> None:
        """The buyer pays; returns when our side has heard of it."""
        told = self._http.post(
            f"{self.sandbox.simulator}/_sandbox/pay", json={"outTradeNo": number}, timeout=30
        )
        assert told.status_code == 200
        backend = self.token("shop", "charge")
        while self.call(backend, f"payment/{number}").json()["data"]["status"] != "succeeded":
            assert self.sandbox.drain()
