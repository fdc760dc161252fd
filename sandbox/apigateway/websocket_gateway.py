"""API Gateway's WebSocket API on this machine: connections, their routes' functions, and @connections for the backend."""

import asyncio
import base64
import json
import re
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.apigateway.payload import Api, BadResultError
from sandbox.apigateway.throttles import Throttles
from sandbox.apigateway.websocket_connection import GOING_AWAY, NORMAL, Connection
from sandbox.apigateway.websocket_events import Opened, Upgrade, answer_of, connect_event, disconnect_event
from sandbox.aws.access_control import RefusedError
from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.deployed import WebSocketApi
from sandbox.functions.lambdas import FunctionError, PayloadTooLargeError

MAX_MESSAGE_BYTES = 128 * 1024
"""Bytes of a message (API Gateway quotas for WebSocket APIs)."""
INTEGRATION_TIMEOUT_SECONDS = 29.0
"""Seconds that API Gateway waits for a function behind a WebSocket route."""
MAX_CALLS_AT_ONCE, MAX_FAREWELLS_AT_ONCE = 64, 2
"""Of $connect and @connections, for which somebody waits, and of $disconnect, for which nobody does."""

_OPERATIONS = {"POST": "PostToConnection", "GET": "GetConnection", "DELETE": "DeleteConnection"}


class WebSocketGateway:
    """Serves ws://…/<stage> and, for whoever may manage connections, http://…/<stage>/@connections/<id>.

    `invoke(logical id, event)` gives a function's result or raises FunctionError. A handshake is refused with what
    $connect answers, 403 at another path, 429 when throttled, 502 when the function fails.
    """

    def __init__(
        self, api: WebSocketApi, invoke: Callable[[str, dict[str, Any]], Any], *, aws: Aws, clock: Clock
    ) -> None:
        self._api, self._invoke, self._aws, self._clock = api, invoke, aws, clock
        self._named = Api(aws.account, api.api_id, aws.region)
        self._throttles = Throttles(api.limits)
        self._managed = re.compile(rf"/{re.escape(api.stage)}/@connections/(.+)")
        self._open: dict[str, Connection] = {}
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = ThreadPoolExecutor(MAX_CALLS_AT_ONCE, thread_name_prefix="websocket-call")
        self._farewells = ThreadPoolExecutor(MAX_FAREWELLS_AT_ONCE, thread_name_prefix="websocket-end")
        clock.on_advance(lambda: self._in_loop(self._look))

    def serves(self, scope: Scope) -> bool:
        """Whether a request is for this API."""
        return scope["type"] == "websocket" or self._managed.fullmatch(scope["path"]) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection from handshake to end, or one call of @connections."""
        self._loop = asyncio.get_running_loop()
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await (await self._manage(Request(scope, receive)))(scope, receive, send)

    def cut(self) -> None:
        """End every connection that is open now, as a network that changes does."""
        self._in_loop(self._end_all)

    def close(self) -> None:
        """End every connection and take no more; nobody's function hears of it, for it is us who go."""
        self._closing = True
        self.cut()
        for pool in (self._pool, self._farewells):
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def connections(self) -> list[str]:
        """Ids of the connections that are open now."""
        return list(self._open)

    # ---- connections ----

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        upgrade = _upgrade(scope)
        # Sixteen characters with one = at the end, as AWS's are.
        name = base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()
        opened = Opened(name, self._clock.time(), upgrade)
        status, protocol = await self._allowed(scope["path"], opened)
        if not 200 <= status < 300:
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        connection = Connection(opened, receive, send, clock=self._clock)
        # Known only from here on: whatever is posted to it earlier meets 410 Gone, as in AWS.
        self._open[name] = connection
        try:
            await send({"type": "websocket.accept", "subprotocol": protocol})
            code, reason = await connection.run()
        except OSError:
            code, reason = 1006, "Going away"
        finally:
            del self._open[name]
        if not self._closing:
            await self._tell_end(opened, code, reason)

    async def _allowed(self, path: str, opened: Opened) -> tuple[int, str | None]:
        """Status and subprotocol for a handshake."""
        if path != f"/{self._api.stage}" or self._closing:
            return 403, None
        if not self._throttles.take("$connect"):
            return 429, None
        if "$connect" not in self._api.routes:
            return 200, None
        try:
            event = connect_event(opened, api=self._named, stage=self._api.stage)
            call = self._call(self._pool, "$connect", event)
            return answer_of(await asyncio.wait_for(call, INTEGRATION_TIMEOUT_SECONDS))
        except TimeoutError:
            return 504, None
        except (FunctionError, BadResultError, PayloadTooLargeError):
            return 502, None  # the reason is in the function's log
        except Exception as error:  # noqa: BLE001 - a fault of the sandbox itself must not look like the function's
            print(f"sandbox: $connect could not be called: {error!r}", file=sys.stderr)
            return 500, None

    async def _tell_end(self, opened: Opened, code: int, reason: str) -> None:
        """$disconnect: best effort, nobody waits for it."""
        if "$disconnect" not in self._api.routes:
            return
        now = self._clock.time()
        event = disconnect_event(
            opened, now=now, code=code, reason=reason, api=self._named, stage=self._api.stage
        )
        try:
            await self._call(self._farewells, "$disconnect", event)
        except Exception as error:  # noqa: BLE001
            if not self._closing:
                print(f"sandbox: $disconnect failed: {error!r}", file=sys.stderr)

    async def _call(self, pool: ThreadPoolExecutor, route_key: str, event: dict[str, Any]) -> Any:
        function = self._api.routes[route_key]
        return await asyncio.get_running_loop().run_in_executor(pool, self._invoke, function, event)

    def _in_loop(self, do: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do)

    def _look(self) -> None:
        for connection in self._open.values():
            connection.look()

    def _end_all(self) -> None:
        for connection in self._open.values():
            connection.end(GOING_AWAY)

    # ---- @connections ----

    async def _manage(self, request: Request) -> Response:
        found = self._managed.fullmatch(request.scope["path"])
        operation = _OPERATIONS.get(request.method)
        if found is None or operation is None:
            return _fault(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        connection_id = found[1]
        wanted = {"ApiId": self._api.api_id, "Stage": self._api.stage, "ConnectionId": connection_id}
        authorization = request.headers.get("authorization", "")
        token = request.headers.get("x-amz-security-token")
        target = f"execute-api.{operation}"
        try:
            # Beside the loop: the local AWS may be busy for a moment.
            await asyncio.get_running_loop().run_in_executor(
                self._pool, self._aws.authorize, authorization, token, target, wanted
            )
        except RefusedError as refusal:
            return _fault(403, refusal.code, refusal.message)
        body = await request.body()
        connection = self._open.get(connection_id)
        if connection is None:
            return _fault(410, "GoneException", None)
        if request.method == "GET":
            return JSONResponse(_described(connection))
        if request.method == "DELETE":
            connection.end(NORMAL)
            return Response(status_code=204)
        if len(body) > MAX_MESSAGE_BYTES:
            return _fault(413, "PayloadTooLargeException", None)
        try:
            await connection.post(body.decode(errors="replace"))
        except OSError:
            return _fault(410, "GoneException", None)
        return Response(status_code=200)


def _upgrade(scope: Scope) -> Upgrade:
    headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    source_ip = scope["client"][0] if scope.get("client") else "127.0.0.1"
    return Upgrade(tuple(headers), scope["query_string"].decode("latin-1"), source_ip)


def _described(connection: Connection) -> dict[str, Any]:
    upgrade = connection.opened.upgrade
    return {
        "connectedAt": _iso(connection.opened.at),
        "identity": {"sourceIp": upgrade.source_ip, "userAgent": upgrade.user_agent},
        "lastActiveAt": _iso(connection.last_active),
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(status: int, code: str, message: str | None) -> Response:
    return Response(
        json.dumps({"message": message}),
        status,
        headers={"content-type": "application/json", "x-amzn-errortype": code},
    )
