"""The sandbox's own handles beside the API, under /_sandbox/: tokens, quotes, events, the clock. Never deployed."""

import json
import secrets
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import loopback
from sandbox.apigateway.gateway import Gateway
from sandbox.apigateway.websocket_gateway import WebSocketGateway
from sandbox.clock import Clock
from sandbox.token_forms import FORMS
from sandbox.tokens import Tokens


class Handles(Protocol):
    """What the controls need of a running sandbox."""

    clock: Clock
    tokens: Tokens

    def info(self) -> dict[str, Any]:
        """Where everything runs."""
        ...

    def events(self) -> list[dict[str, Any]]:
        """What the event bus took, in order."""
        ...


class BadInputError(Exception):
    """A request to a control makes no sense; the sentence names the field."""


class Front:
    """The ASGI application on the API's port: controls and pages first, everything else is the API's.

    Controls and pages answer only to a browser or program on this machine that means this machine: another Host is
    a name that somebody bound to this address, another Origin a page of somebody else's. Both get 403.
    """

    def __init__(self, handles: Handles, pages: Iterable[BaseRoute] = ()) -> None:
        self._handles, self._pages = handles, pages
        self._routes: list[BaseRoute] = []
        self._ours: ASGIApp = Starlette()
        self._gateway: ASGIApp = self._ours
        self._websockets: WebSocketGateway | None = None

    def open(self, gateway: Gateway, websockets: WebSocketGateway | None) -> None:
        """Everything is there; `pages` are read now, so that they may know the sandbox that they belong to."""
        self._routes = [*_Controls(self._handles).routes(), *self._pages]
        self._ours = Starlette(
            routes=self._routes,
            middleware=[Middleware(_LocalOnly), _READ_BY_LOCAL_PAGES],
            exception_handlers={BadInputError: _bad_input},
        )
        self._gateway, self._websockets = gateway, websockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._websockets is not None and self._websockets.serves(scope):
            await self._websockets(scope, receive, send)
            return
        ours = (
            scope["type"] == "websocket"  # which Starlette refuses: there is no API for it
            or scope["path"].startswith("/_sandbox/")
            or any(route.matches(scope)[0] is not Match.NONE for route in self._routes)
        )
        await (self._ours if ours else self._gateway)(scope, receive, send)


# A shop's page on another port of this machine asks for a token or a quote by itself.
_READ_BY_LOCAL_PAGES = Middleware(
    CORSMiddleware,
    allow_origin_regex=loopback.ORIGIN,
    allow_methods=["GET", "POST"],
    allow_headers=["content-type"],
)


class _LocalOnly:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Request(scope).headers
            named = [urlsplit("//" + headers.get("host", "")).hostname]
            if "origin" in headers:
                named.append(urlsplit(headers["origin"]).hostname)
            if not all(name in loopback.HOSTS for name in named):
                refusal = JSONResponse({"error": "the sandbox answers to 127.0.0.1 and localhost only"}, 403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Controls:
    def __init__(self, sandbox: Handles) -> None:
        self._sandbox = sandbox
        self._run = secrets.token_hex(4)

    def routes(self) -> list[BaseRoute]:
        published = "/_sandbox/issuer/.well-known"
        return [
            Route("/_sandbox/info", self.info),
            Route("/_sandbox/token", self.token, methods=["POST"]),
            Route("/_sandbox/quote", self.quote, methods=["POST"]),
            Route("/_sandbox/quote-key", self.quote_key),
            Route("/_sandbox/events", self.events),
            Route("/_sandbox/clock", self.clock, methods=["POST"]),
            Route(f"{published}/openid-configuration", self.discovery),
            Route(f"{published}/jwks.json", self.jwks),
        ]

    async def info(self, _: Request) -> Response:
        return JSONResponse(self._sandbox.info())

    async def token(self, request: Request) -> Response:
        body = await _body(request, "sub", "scope", "form")
        form = body.get("form", "plain")
        if not isinstance(form, str) or form not in FORMS:
            raise BadInputError(f"form must be one of {', '.join(FORMS)}")
        token = self._sandbox.tokens.token(_text(body, "sub"), _text(body, "scope"), form=form)
        return JSONResponse({"token": token})

    async def quote(self, request: Request) -> Response:
        body = await _body(request, "sub", "contentId", "amount")
        amount = body.get("amount")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            raise BadInputError("amount must be a whole number of fen above zero")
        quote = self._sandbox.tokens.quote(_text(body, "sub"), _text(body, "contentId"), amount)
        return JSONResponse({"quote": quote})

    async def quote_key(self, _: Request) -> Response:
        return JSONResponse({"quoteKey": self._sandbox.tokens.quote_key})

    async def events(self, request: Request) -> Response:
        taken = self._sandbox.events()
        events = [
            {
                **{member: event[member] for member in ("id", "source", "detail-type", "time")},
                "detail": msgspec.Raw(event["detail_text"].encode()),  # numbers with every digit
            }
            for event in taken[self._position(request.query_params) :]
        ]
        told = {"events": events, "next": f"{self._run}-{len(taken)}"}
        return Response(msgspec.json.encode(told), media_type="application/json")

    def _position(self, query: QueryParams) -> int:
        """How many events the caller knows. A cursor of an earlier sandbox is refused: its events are gone."""
        if unknown := sorted(set(query) - {"after"}):
            raise BadInputError(f"{unknown[0]} is not known here; there is after")
        if (after := query.get("after")) is None:
            return 0
        run, _, number = after.partition("-")
        if run != self._run or not (number.isascii() and number.isdigit()):
            raise BadInputError(
                "after must be the next of an answer of this very sandbox; begin again without it"
            )
        return int(number)

    async def clock(self, request: Request) -> Response:
        seconds = (await _body(request, "advance")).get("advance")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise BadInputError("advance must be a number of seconds")
        try:
            self._sandbox.clock.advance(seconds)
        except (ValueError, OverflowError) as error:
            raise BadInputError("advance must be zero or more seconds, and not beyond a century") from error
        return JSONResponse({"time": self._sandbox.clock.time()})

    async def discovery(self, _: Request) -> Response:
        issuer = self._sandbox.tokens.issuer
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"})

    async def jwks(self, _: Request) -> Response:
        return JSONResponse(self._sandbox.tokens.jwks())


async def _body(request: Request, *fields: str) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadInputError(f"the body must be a JSON object with {', '.join(fields)}")
    for name in body:
        if name not in fields:
            raise BadInputError(f"{name} is not known here; there is {', '.join(fields)}")
    return body


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or (
        field != "scope" and not value
    ):  # a token without any scope is a token too
        raise BadInputError(f"{field} must be text")
    return value


def _bad_input(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)
