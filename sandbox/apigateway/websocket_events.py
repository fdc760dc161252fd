"""What a function behind a WebSocket API's route gets, and what its answer means.

Source: API Gateway developer guide, "Set up AWS Lambda proxy integrations for WebSocket APIs" and "$connect".
"""

import base64
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sandbox.apigateway.payload import Api, BadResultError


@dataclass(frozen=True)
class Upgrade:
    """One request for a WebSocket as it came in; header names in lower case, in the order received."""

    headers: tuple[tuple[str, str], ...]
    query: str
    source_ip: str

    @property
    def user_agent(self) -> str:
        """The caller's own word for what it is."""
        return next((value for name, value in self.headers if name == "user-agent"), "")


@dataclass(frozen=True)
class Opened:
    """One connection as its events tell of it; `at` in epoch seconds."""

    connection_id: str
    at: float
    upgrade: Upgrade


def connect_event(opened: Opened, *, api: Api, stage: str) -> dict[str, Any]:
    """The event of $connect."""
    upgrade = opened.upgrade
    lines = [(_as_written(name), value) for name, value in upgrade.headers]
    lines += [
        ("X-Amzn-Trace-Id", f"Root=1-{int(opened.at):08x}-{secrets.token_hex(12)}"),
        ("X-Forwarded-For", upgrade.source_ip),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]
    lines = [(name, value) for name, value in lines if name not in ("Connection", "Upgrade")]
    event: dict[str, Any] = {
        "headers": dict(lines),  # the last of several, as AWS has it
        "multiValueHeaders": _lists(lines),
        "requestContext": _context(opened, opened.at, api=api, stage=stage, kind="CONNECT"),
        "isBase64Encoded": False,
    }
    if query := parse_qsl(upgrade.query, keep_blank_values=True):
        event["queryStringParameters"] = dict(query)
        event["multiValueQueryStringParameters"] = _lists(query)
    return event


def disconnect_event(
    opened: Opened, *, now: float, code: int, reason: str, api: Api, stage: str
) -> dict[str, Any]:
    """The event of $disconnect: the closing handshake's code and words."""
    lines = [("Host", api.domain), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]
    context = _context(opened, now, api=api, stage=stage, kind="DISCONNECT")
    return {
        "headers": dict(lines),
        "multiValueHeaders": _lists(lines),
        "requestContext": {**context, "disconnectStatusCode": code, "disconnectReason": reason},
        "isBase64Encoded": False,
    }


def answer_of(result: Any) -> tuple[int, str | None]:
    """Status and chosen subprotocol in what the function behind $connect returned. Raises BadResultError."""
    if not isinstance(result, dict):
        raise BadResultError("not an object")
    try:
        status = int(result["statusCode"])
        headers = {str(name).lower(): str(value) for name, value in (result.get("headers") or {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadResultError("statusCode or headers") from error
    if not 100 <= status <= 599:
        raise BadResultError("statusCode")
    return status, headers.get("sec-websocket-protocol")


def _context(opened: Opened, now: float, *, api: Api, stage: str, kind: str) -> dict[str, Any]:
    request_id = base64.b64encode(secrets.token_bytes(11)).decode()
    return {
        "routeKey": f"${kind.lower()}",
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": stage,
        "connectedAt": int(opened.at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"userAgent": opened.upgrade.user_agent, "sourceIp": opened.upgrade.source_ip},
        "requestId": request_id,
        "domainName": api.domain,
        "connectionId": opened.connection_id,
        "apiId": api.api_id,
    }


def _as_written(name: str) -> str:
    """A header's name as browsers write it, which ASGI has turned into lower case."""
    return "-".join(part.capitalize() for part in name.split("-")).replace("Websocket", "WebSocket")


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists
