"""Everybody who may come to the API, and orders in every state that they may ask about."""

import json
import secrets
import zlib
from collections import Counter
from typing import Any

import requests

from sandbox.stack import Sandbox
from tests.kit.shop import WECHAT

RETURN_ORIGIN = "https://shop.example"


class Callers:
    """Everybody who may come to the API, and orders in every state that they may ask about."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.answers: Counter[int] = Counter()
        self.http.hooks["response"].append(self._count)
        self.scopes = {
            "a backend": "payments:charge",
            "a buyer": "payments:pay",
            "the back office": "payments:refund",
            "a reader": "payments:read",
            "the bookkeeper": "payments:reconcile",
            "all of them": "payments:pay payments:charge payments:refund payments:read payments:reconcile",
            "a stranger": "openid",
        }
        self.tokens = {who: sandbox.tokens.token(_subject(who), scope) for who, scope in self.scopes.items()}
        self.numbers = [
            self.open(),
            self.open(user=_subject("a buyer")),
            self.closed(),
            self.paid(),
            self.paid(),
        ]

    def _count(self, answer: requests.Response, **_: Any) -> None:
        self.answers[answer.status_code] += 1

    def who_for(self, case: Any) -> str:
        """Whose turn it is: one for the same case always, trusted ones more often, for they get furthest."""
        names = ["a backend", "all of them", "the back office", *self.scopes, "nobody"]
        return names[_hash(case) % len(names)]

    def number_for(self, case: Any) -> str:
        """One of our orders; the same for the same case."""
        return self.numbers[_hash(case) // 7 % len(self.numbers)]

    def post(self, what: str, body: dict[str, Any], scope: str = "payments:charge") -> Any:
        token = self.sandbox.tokens.token("shop-backend", scope)
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.http.post(
            f"{self.sandbox.api}{WECHAT}/{what}", json=body, headers=headers, timeout=60
        ).json()
        return answer["data"]

    def open(self, user: str | None = None) -> str:
        body = {"contentId": secrets.token_hex(4), "amount": "50000.00", "subject": "A photograph"}
        number: str = self.post("native", body | ({"userId": user} if user else {}))["outTradeNo"]
        return number

    def closed(self) -> str:
        number = self.open()
        assert self.post("close", {"outTradeNo": number})["closed"]
        return number

    def paid(self) -> str:
        number = self.open()
        pay = f"{self.sandbox.simulator}/_sandbox/pay"
        assert self.http.post(pay, json={"outTradeNo": number}, timeout=30).ok
        headers = {"Authorization": f"Bearer {self.tokens['a backend']}"}
        status = f"{self.sandbox.api}{WECHAT}/query/{number}"
        answer = self.http.get(status, headers=headers, timeout=60).json()  # asks, if nobody has told yet
        assert answer["data"]["tradeState"] == "SUCCESS"
        return number


def _subject(who: str) -> str:
    return who.replace(" ", "-")


def _hash(case: Any) -> int:
    what = [case.method, case.path, str(case.path_parameters), str(dict(case.headers or {})), repr(case.body)]
    return zlib.crc32(json.dumps(what).encode())
