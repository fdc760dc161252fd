"""The line to WeChat Pay without a network: what the product's client takes for a session of requests.

Two hosts lead to one ledger. Requests are verified and answers signed as WeChat Pay does it; on their way they are lost,
late, mangled or refused, each way with or without the effect that the answer would have told.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tests.resilience.believing.effects import Effects
from tests.resilience.believing.ledger import Ledger, Refusal
from wechatpay import transport

MAIN, BACKUP = "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"
KEY_ID = "PUB_KEY_ID_0000000000000000000000000000"
READ_TIMEOUT = 5  # seconds
LATEST = 55  # seconds after its beginning at which a request that was given up may still arrive

# What may be said of a request that was not taken, whatever the request; signed, it is the truth.
_COMMON = (
    (400, "PARAM_ERROR"), (400, "INVALID_REQUEST"), (401, "SIGN_ERROR"), (403, "NO_AUTH"), (403, "RULE_LIMIT"),
    (403, "TRADE_ERROR"), (429, "FREQUENCY_LIMITED"), (500, "SYSTEM_ERROR"),
)  # fmt: skip
REFUSALS: dict[str, tuple[tuple[int, str], ...]] = {
    "native": (*_COMMON, (400, "APPID_MCHID_NOT_MATCH"), (400, "MCH_NOT_EXISTS"), (403, "ACCOUNT_ERROR"),
               (500, "INVALID_TRANSACTIONID"), (403, "OUT_TRADE_NO_USED")),
    "jsapi": (*_COMMON, (400, "APPID_MCHID_NOT_MATCH"), (400, "MCH_NOT_EXISTS"), (500, "OPENID_MISMATCH"), (500, "BANK_ERROR")),
    "app": (*_COMMON, (400, "APPID_MCHID_NOT_MATCH"), (400, "MCH_NOT_EXISTS"), (500, "BANK_ERROR")),
    "h5": (*_COMMON, (400, "APPID_MCHID_NOT_MATCH"), (400, "MCH_NOT_EXISTS"), (500, "BANK_ERROR")),
    "query": (*_COMMON, (400, "MCH_NOT_EXISTS")),
    "close": (*_COMMON, (202, "USER_PAYING"), (400, "MCH_NOT_EXISTS")),
    "refund": (*_COMMON, (403, "NOT_ENOUGH"), (403, "USER_ACCOUNT_ABNORMAL"), (404, "MCH_NOT_EXISTS"), (404, "RESOURCE_NOT_EXISTS")),
    "refund query": (*_COMMON, (404, "MCH_NOT_EXISTS")),
}  # fmt: skip
# What nobody has signed may be a lie.
_LIES: dict[str, tuple[tuple[int, str], ...]] = {
    "native": ((400, "ORDERPAID"), (400, "ORDER_CLOSED")),
    "jsapi": ((400, "ORDERPAID"), (400, "ORDER_CLOSED")),
    "app": ((400, "ORDERPAID"), (400, "ORDER_CLOSED")),
    "h5": ((400, "ORDERPAID"), (400, "ORDER_CLOSED")),
    "query": ((404, "ORDER_NOT_EXIST"), (404, "ORDER_NOT_EXIST")),
    "close": ((400, "ORDER_PAID"), (400, "ORDER_CLOSED"), (404, "ORDER_NOT_EXIST")),
    "refund": ((404, "RESOURCE_NOT_EXISTS"),),
    "refund query": ((404, "RESOURCE_NOT_EXISTS"), (404, "RESOURCE_NOT_EXISTS")),
}
_ASKING = ("query", "refund query")


def _ways(operation: str) -> tuple[str, ...]:
    """Every way in which a request of this operation goes wrong, each kind of way equally often."""
    refusals, lies = REFUSALS[operation], _LIES[operation]
    kinds = [
        ["lost before", "lost after"],
        ["cut", "stale before", "stale after"],
        ["500 before", "429 before", "html before"],
        ["bad signature", "no signature", "truncated"],
        ["dies before", "dies after"],
        ["meanwhile before", "meanwhile after"],
        [f"refused {status} {code}" for status, code in refusals],
        [f"unsigned {status} {code}" for status, code in (*refusals, *lies)],
    ]
    if operation not in _ASKING:
        kinds += [
            ["late", "late then refused"],
            [
                "500 after",
                "html after",
                "lost then refused",
                *(["429 after"] if operation == "refund" else []),
            ],
            [f"unsigned-after {status} {code}" for status, code in (*refusals, *lies) if status < 429],
        ]
    longest = max(map(len, kinds))
    return tuple(kind[place % len(kind)] for place in range(longest) for kind in kinds)


WAYS = {operation: _ways(operation) for operation in REFUSALS}


@dataclass
class Prepared:
    """A request as the client signs it."""

    method: str
    url: str
    path_url: str
    headers: dict[str, str]
    body: bytes


class Answer:
    """As much of requests' Response as the client looks at; a context manager."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self.content = content
        self.raw = self
        self._read = False

    def read1(self, _amount: int, *, decode_content: bool = True) -> bytes:
        """All of it, once."""
        chunk, self._read = (b"" if self._read else self.content), True
        return chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""


@dataclass
class Weather:
    """On `host` (None: both), calls of `operation` (None: all) go wrong in one way until `until`."""

    host: str | None
    operation: str | None
    way: int
    until: float


class Line:
    """`wait` lets time pass, `later` has something done then, `meanwhile` lets somebody else act just now."""

    def __init__(
        self,
        ledger: Ledger,
        effects: Effects,
        *,
        keys: tuple[RSAPrivateKey, RSAPublicKey],
        wait: Callable[[float], None],
        later: Callable[[float, Callable[[], None]], None],
        meanwhile: Callable[[int], None],
        count: Callable[[str], None],
    ) -> None:
        self.weather: list[Weather] = []
        self.said: dict[str, str] = {}
        """What a query was answered of an order, last."""
        self._ledger = ledger
        self._effects = effects
        self._signing, self._merchant = keys
        self._wait = wait
        self._later = later
        self._meanwhile = meanwhile
        self._count = count
        self._turns = 0
        self._refuse_next: str | None = None

    def cease(self) -> None:
        """Nothing goes wrong any more."""
        self.weather.clear()
        self._refuse_next = None

    def prepare_request(self, request: requests.Request) -> Prepared:
        """As a session does it, for addresses that need no changing."""
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return Prepared(request.method, request.url, path, dict(request.headers), request.data or b"")

    def send(self, prepared: Prepared, **_: object) -> Answer:
        """One try on one host."""
        host = "main" if prepared.url.startswith(MAIN) else "backup"
        operation = operation_of(prepared)
        way = self._effects.way(f"{operation} on {host}", WAYS[operation], request=True)
        if self._refuse_next is not None and host == "backup":
            way, self._refuse_next = self._refuse_next, None
        way = way or self._blown(host, operation)
        self._count(f"{operation}: {way or 'well'}")
        if way is None:
            return self._answered(prepared)
        self._effects.troubled()
        return self._gone_wrong(way, operation, prepared)

    def _blown(self, host: str, operation: str) -> str | None:
        now = self._ledger.now()
        for each in self.weather:
            if now < each.until and each.host in (None, host) and each.operation in (None, operation):
                way = WAYS[operation][each.way % len(WAYS[operation])]
                # Bad weather kills nobody, and nobody else acts in it.
                return None if way.startswith(("dies", "meanwhile")) else way
        return None

    def _gone_wrong(self, way: str, operation: str, prepared: Prepared) -> Answer:
        kind, _, rest = way.partition(" ")
        if kind == "meanwhile":
            return self._beside_others(rest, prepared)
        if kind in ("late", "lost", "cut", "stale"):
            return self._unheard(way, operation, prepared)
        if kind in ("refused", "unsigned", "unsigned-after"):
            if kind == "unsigned-after":
                self._answered(prepared)
            status, code = rest.split()
            members = {"code": code, "message": "-"}
            return self._signed(int(status), members) if kind == "refused" else _plain(int(status), members)
        answer = None if rest == "before" else self._answered(prepared)
        if way == "dies after":
            self._effects.die()
        if kind in ("500", "429"):
            code = "SYSTEM_ERROR" if kind == "500" else "FREQUENCY_LIMITED"
            return self._signed(int(kind), {"code": code, "message": "-"})
        if kind == "html" or answer is None:
            return Answer(502, {"Request-ID": "r"}, b"<html>Bad Gateway</html>")
        return _mangled(answer, way)

    def _beside_others(self, when: str, prepared: Prepared) -> Answer:
        self._turns += 1
        if when == "before":
            self._meanwhile(self._turns)
            return self._answered(prepared)
        answer = self._answered(prepared)
        self._meanwhile(self._turns)
        return answer

    def _unheard(self, way: str, operation: str, prepared: Prepared) -> Answer:
        """The answer does not come; the request has arrived, or has not, or will."""
        if way in ("lost after", "stale after", "lost then refused"):
            self._answered(prepared)
        if way.startswith("late"):
            self._turns += 1
            after = 6 + self._turns * 17 % (LATEST - 6)
            self._later(after, lambda: self._arrives(operation, prepared))
        if way.endswith("then refused"):
            refusals = REFUSALS[operation]
            status, code = refusals[self._turns * 5 % len(refusals)]
            self._refuse_next = f"refused {status} {code}"
        if way == "cut":
            raise requests.ConnectionError
        if way.startswith("stale"):  # a kept connection, which the other end had closed
            raise transport.KeptConnectionLostError
        self._wait(READ_TIMEOUT)
        raise requests.ReadTimeout

    def _arrives(self, operation: str, prepared: Prepared) -> None:
        """A request that was given up arrives after all; nobody hears the answer."""
        self._count(f"{operation}: arrived late")
        self._answered(prepared)

    def _answered(self, prepared: Prepared) -> Answer:
        self._verify(prepared)
        try:
            status, members = self._ledger.answer(prepared.method, prepared.path_url, prepared.body)
        except Refusal as refusal:
            self._effects.troubled()
            return self._signed(refusal.status, {"code": refusal.code, "message": "-"})
        if operation_of(prepared) == "query" and members is not None:
            self.said[members["out_trade_no"]] = members["trade_state"]
        return self._signed(status, members)

    def _signed(self, status: int, members: Mapping[str, Any] | None) -> Answer:
        content = b"" if members is None else json.dumps(members).encode()
        return Answer(status, {"Request-ID": "r", **self.signature(content)}, content)

    def signature(self, content: bytes) -> dict[str, str]:
        """The four headers that WeChat Pay signs answers and notifications with."""
        stamp = str(int(self._ledger.now()))
        signature = self._signing.sign(f"{stamp}\nnonce\n".encode() + content + b"\n", PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": "nonce",
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
        }

    def _verify(self, prepared: Prepared) -> None:
        """Raises where the product has not signed what it sends."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', prepared.headers["Authorization"]))
        signed = (
            f"{prepared.method}\n{prepared.path_url}\n{said['timestamp']}\n{said['nonce_str']}\n".encode()
        )
        signature = base64.b64decode(said["signature"])
        self._merchant.verify(signature, signed + prepared.body + b"\n", PKCS1v15(), SHA256())


def operation_of(prepared: Prepared) -> str:
    """In the words of REFUSALS."""
    path = prepared.path_url
    if path.startswith("/v3/refund"):
        return "refund" if prepared.method == "POST" else "refund query"
    if path.endswith("/close"):
        return "close"
    return path.rpartition("/")[2] if prepared.method == "POST" else "query"


def _mangled(answer: Answer, way: str) -> Answer:
    """An answer that proves nothing."""
    if way == "truncated":
        return Answer(answer.status_code, answer.headers, answer.content[:-7])
    if way == "no signature":
        return Answer(answer.status_code, {"Request-ID": "r"}, answer.content)
    forged = {**answer.headers, "Wechatpay-Signature": base64.b64encode(b"x" * 128).decode()}
    return Answer(answer.status_code, forged, answer.content)


def _plain(status: int, members: Mapping[str, Any]) -> Answer:
    return Answer(status, {"Request-ID": "r"}, json.dumps(members).encode())
