"""API Gateway on this machine: the template's HTTP API as an ASGI application, with API Gateway's own refusals."""

import asyncio
import base64
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.types import Receive, Scope, Send

from sandbox.apigateway.authorizer import RefusedError, authorize
from sandbox.apigateway.payload import Api, BadResultError, Request, answer_of, event_of
from sandbox.apigateway.throttles import Throttles
from sandbox.deployed import Cors, Limits, Route
from sandbox.functions.lambdas import FunctionError, PayloadTooLargeError
from sandbox.tokens import Time

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Bytes of a request's body (API Gateway quotas, HTTP API payload size)."""
INTEGRATION_TIMEOUT_SECONDS = 30.0
"""Seconds that API Gateway waits for a function."""
MAX_CALLS_AT_ONCE = 256

Headers = list[tuple[str, str]]


class _BodyTooLargeError(Exception):
    pass


class Gateway:
    """Routes requests to functions: `invoke(logical id, event)` gives the result or raises FunctionError.

    `keys` are the token issuer's public keys by kid; `also_allowed` knows origins that CORS lets in besides the template's. Refusals before any function: 401 Unauthorized, 403 Forbidden,
    404 Not Found, 413 Request Entity Too Large, 429 Too Many Requests; after one: 500 Internal Server Error, 503 Service Unavailable.
    """

    def __init__(
        self,
        routes: tuple[Route, ...],
        cors: Cors,
        invoke: Callable[[str, dict[str, Any]], Any],
        *,
        keys: Mapping[str, RSAPublicKey],
        clock: Time,
        api: Api,
        limits: Limits = Limits(),  # noqa: B008  frozen
        integration_timeout: float = INTEGRATION_TIMEOUT_SECONDS,
        also_allowed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        # Most specific first: literal segments before parameters, a named method before ANY.
        self._routes = sorted(routes, key=lambda route: (_shape(route.path), route.method == "ANY"))
        self._cors, self._invoke, self._keys, self._clock, self._api = cors, invoke, keys, clock, api
        self._timeout, self._also_allowed = integration_timeout, also_allowed
        self._throttles = Throttles(limits)
        # Functions answer on their own time, each call blocks a thread; the loop must never wait for one.
        self._pool = ThreadPoolExecutor(MAX_CALLS_AT_ONCE, thread_name_prefix="call")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request_id = base64.b64encode(secrets.token_bytes(11)).decode("ascii")
        origin = _header(scope, b"origin")
        if scope["method"] == "OPTIONS" and self._cors != Cors() and origin is not None:
            status, headers, body = 204, self._preflight_headers(scope), b""
        else:
            status, headers, body = await self._answer(scope, receive, request_id)
        headers = [*headers, *self._cors_headers(origin), ("apigw-requestid", request_id)]
        if status != 204:
            headers.append(("content-length", str(len(body))))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Take no more calls; those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> tuple[int, Headers, bytes]:
        try:
            request = await _request(scope, receive)
        except _BodyTooLargeError:
            return _refusal(413, "Request Entity Too Large")
        found = self._find(request)
        if found is None:
            return _refusal(404, "Not Found")
        route, parameters = found
        route_key = f"{route.method} {route.path}"
        if not self._throttles.take(route_key):
            return _refusal(429, "Too Many Requests")
        now = self._clock.time()
        authorizer = None
        if route.authorizer is not None:
            try:
                identity = request.header("authorization")
                authorizer = authorize(route.authorizer, route.scopes, identity, self._keys, now)
            except RefusedError as error:
                message = "Unauthorized" if error.status == 401 else "Forbidden"
                return _refusal(error.status, message, ("www-authenticate", error.challenge))
        event = event_of(
            request,
            api=self._api,
            route_key=route_key,
            parameters=parameters,
            authorizer=authorizer,
            request_id=request_id,
            now=now,
        )
        return await self._call(route.function, event)

    async def _call(self, function: str, event: dict[str, Any]) -> tuple[int, Headers, bytes]:
        call = asyncio.get_running_loop().run_in_executor(self._pool, self._invoke, function, event)
        try:
            return answer_of(await asyncio.wait_for(call, self._timeout))
        except TimeoutError:
            return _refusal(503, "Service Unavailable")
        except PayloadTooLargeError:
            return _refusal(413, "Request Entity Too Large")
        except (FunctionError, BadResultError):
            return _refusal(500, "Internal Server Error")  # the reason is in the function's log
        except Exception as error:  # noqa: BLE001 - a fault of the sandbox itself must not look like the function's
            print(f"sandbox: {function} could not be called: {error!r}", file=sys.stderr)
            return _refusal(500, "Internal Server Error")

    def _find(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        # Split before decoding: an encoded slash belongs to the parameter that holds it.
        segments = [unquote(segment) for segment in request.raw_path.split("/")]
        for route in self._routes:
            if route.method in {request.method, "ANY"}:
                parameters = _match(route.path.split("/"), segments)
                if parameters is not None:
                    return route, parameters
        return None

    def _cors_headers(self, origin: str | None) -> Headers:
        """On every answer to a browser of an allowed origin (HTTP API: "Configuring CORS")."""
        allowed = self._cors.allow_origins
        if origin is None or self._cors == Cors():
            return []
        if not (origin in allowed or "*" in allowed or self._also_allowed(origin)):
            return []
        headers = [("access-control-allow-origin", "*" if "*" in allowed else origin)]
        if self._cors.expose_headers:
            headers.append(("access-control-expose-headers", ",".join(self._cors.expose_headers)))
        return headers

    def _preflight_headers(self, scope: Scope) -> Headers:
        if not self._cors_headers(_header(scope, b"origin")):
            return []
        headers = [
            ("access-control-allow-methods", ",".join(self._cors.allow_methods)),
            ("access-control-allow-headers", ",".join(self._cors.allow_headers)),
        ]
        if self._cors.max_age is not None:
            headers.append(("access-control-max-age", str(self._cors.max_age)))
        return [(name, value) for name, value in headers if value]


def _shape(path: str) -> list[int]:
    """How specific each segment of a route's path is: literal 0, {parameter} 1, {greedy+} 2."""
    return [2 if segment.endswith("+}") else int(segment.startswith("{")) for segment in path.split("/")]


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, part in enumerate(template):
        if part.endswith("+}") and len(segments) > index:
            parameters[part[1:-2]] = "/".join(segments[index:])
            return parameters
        if index >= len(segments):
            return None
        if part.startswith("{"):
            if not segments[index]:
                return None
            parameters[part[1:-1]] = segments[index]
        elif part != segments[index]:
            return None
    return parameters if len(template) == len(segments) else None


async def _request(scope: Scope, receive: Receive) -> Request:
    announced = _header(scope, b"content-length")
    if announced is not None and int(announced) > MAX_BODY_BYTES:
        raise _BodyTooLargeError
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _BodyTooLargeError
    return Request(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
        ),
        body=bytes(body),
        protocol=f"HTTP/{scope['http_version']}",
        source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
    )


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), None)


def _refusal(status: int, message: str, *headers: tuple[str, str]) -> tuple[int, Headers, bytes]:
    return (
        status,
        [("content-type", "application/json"), *headers],
        json.dumps({"message": message}, separators=(",", ":")).encode(),
    )
