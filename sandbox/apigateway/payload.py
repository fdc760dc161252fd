"""Payload format 2.0: an HTTP request as the event of a Lambda function, and its result as the HTTP answer.

Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import base64
import binascii
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
TEXT_TYPES = {"application/json", "application/xml", "application/javascript"}


class BadResultError(Exception):
    """The function's result is no answer that API Gateway could give: it answers 500."""


@dataclass(frozen=True)
class Api:
    """What every event of one HTTP API says of it."""

    account: str
    api_id: str
    region: str

    @property
    def domain(self) -> str:
        """Its host name in the cloud."""
        return f"{self.api_id}.execute-api.{self.region}.amazonaws.com"


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came in; header names in lower case, in the order received."""

    method: str
    raw_path: str  # still percent-encoded
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    protocol: str
    source_ip: str

    def header(self, name: str) -> str | None:
        """A header's values joined by commas, None when it is absent."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None


def event_of(
    request: Request,
    *,
    api: Api,
    route_key: str,
    parameters: Mapping[str, str],
    authorizer: Mapping[str, Any] | None,
    request_id: str,
    now: float,
) -> dict[str, Any]:
    """The event that the function gets. What a request has not (cookies, query, body …) is left out, as AWS does."""
    path = unquote(request.raw_path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
    }
    cookies = [part for value in _values(request, "cookie") for part in value.split("; ")]
    if cookies:
        event["cookies"] = cookies
    event["headers"] = _headers(request, int(now))
    if query := _joined(parse_qsl(request.query, keep_blank_values=True)):
        event["queryStringParameters"] = query
    context: dict[str, Any] = {
        "accountId": api.account,
        "apiId": api.api_id,
        "domainName": api.domain,
        "domainPrefix": api.api_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if authorizer is not None:
        context["authorizer"] = {"jwt": authorizer}
    event["requestContext"] = context
    if parameters:
        event["pathParameters"] = dict(parameters)
    text = _as_text(request)
    if request.body:
        event["body"] = base64.b64encode(request.body).decode("ascii") if text is None else text
    event["isBase64Encoded"] = text is None
    return event


def answer_of(result: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body from what the function returned. Raises BadResultError."""
    if not isinstance(result, dict) or "statusCode" not in result:
        # "API Gateway makes the following assumptions": 200, JSON, the result is the body.
        body = (
            result
            if isinstance(result, str)
            else json.dumps(result, separators=(",", ":"), ensure_ascii=False)
        )
        return 200, [("content-type", "application/json")], body.encode()
    try:
        status = int(result["statusCode"])
        headers = {
            str(name).lower(): _header_text(value) for name, value in (result.get("headers") or {}).items()
        }
        text = result.get("body")
        if not 100 <= status <= 599 or not isinstance(text, str | None):
            raise BadResultError("statusCode or body")
        content = (
            base64.b64decode(text or "", validate=True)
            if result.get("isBase64Encoded")
            else (text or "").encode()
        )
        cookies = [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    except (TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise BadResultError("statusCode, headers, cookies or body") from error
    for name in HOP_BY_HOP | {"content-length"}:
        headers.pop(name, None)
    headers.setdefault("content-type", "text/plain; charset=utf-8")
    return status, [*headers.items(), *cookies], content


def _headers(request: Request, now: int) -> dict[str, str]:
    headers = _joined(request.headers)
    for name in HOP_BY_HOP | {"cookie"}:
        headers.pop(name, None)
    headers.setdefault("content-length", str(len(request.body)))
    headers["x-amzn-trace-id"] = f"Root=1-{now:08x}-{secrets.token_hex(12)}"
    headers["x-forwarded-for"] = ", ".join(filter(None, (headers.get("x-forwarded-for"), request.source_ip)))
    headers["x-forwarded-port"] = "443"
    headers["x-forwarded-proto"] = "https"
    return headers


def _joined(pairs: Any) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _values(request: Request, name: str) -> list[str]:
    return [value for key, value in request.headers if key == name]


def _as_text(request: Request) -> str | None:
    """The body as text, or None where API Gateway hands it over in base64."""
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.body and not kind.startswith("text/") and kind not in TEXT_TYPES:
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None


def _header_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadResultError("a header is neither text nor a number")
