"""The seven endpoints: what each is called with, the same for every variant."""

import copy
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.kit.parameters import ROOT
from tests.kit.wechat_pay import WeChatPay
from wechatpay_simulator import Credentials

ENDPOINTS = ("native", "jsapi", "query", "refund", "close", "payment", "notify")
ABOUT_AN_ORDER = ("query", "refund", "close", "payment", "notify")
NAMED = "WXABCDEFGHIJKLMNOPQRSTUVWX23"  # the order of the sample events
NOTIFY_URL = "http://127.0.0.1:9/api/v1/payments/wechat/notify"  # where nobody listens

# What a browser or a backend and API Gateway send along.
_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "authorization": "Bearer " + "e" * 720,
    "content-type": "application/json",
    "host": "api.example.com",
    "user-agent": "python-requests/2.32.3",
    "x-amzn-trace-id": "Root=1-65f0a1b2-0123456789abcdef01234567",
    "x-forwarded-for": "203.0.113.10",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


def called(endpoint: str, *, number: str = NAMED, key: str = "bench-1") -> dict[str, Any]:
    """The sample event of an endpoint, for this order, as a backend sends it; not for notify."""
    text = (ROOT / "events" / f"{endpoint}.json").read_text(encoding="utf-8")
    event: dict[str, Any] = copy.deepcopy(json.loads(text.replace(NAMED, number)))
    event["headers"] = dict(_HEADERS)
    if endpoint in ("native", "jsapi", "refund"):
        event["headers"]["idempotency-key"] = key
    return event


def notified(body: bytes, credentials: Credentials) -> dict[str, Any]:
    """The event of a notification with this body, signed now."""
    event = called("notify")
    signed = WeChatPay(credentials, time).headers(body)
    event["headers"] |= {name.lower(): value for name, value in signed.items()}
    del event["headers"]["authorization"]
    event["body"] = body.decode()
    return event


def members(answer: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """What a caller sees: the status and the shape of the body, each value as the name of its JSON type."""
    body = json.loads(answer["body"])
    return int(answer["statusCode"]), _shape(body)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [_shape(member) for member in value]
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


class WrongAnswerError(Exception):
    """A variant answered, or asked, what it should not."""


def judge(
    refused: Sequence[str], answer: bytes | Mapping[str, Any], expected: Mapping[str, Any], what: str
) -> None:
    """Raises WrongAnswerError where something was refused to it, or its answer has another status or other members."""
    if refused:
        raise WrongAnswerError(f"{what}, asked for what was not recorded: {refused[0]}")
    given = json.loads(answer) if isinstance(answer, bytes) else answer
    if members(given) != members(expected):
        raise WrongAnswerError(f"{what}, answered {given}")


def encoded(event: Mapping[str, Any]) -> bytes:
    """As the Runtime API hands it over."""
    return json.dumps(event, separators=(",", ":")).encode()
