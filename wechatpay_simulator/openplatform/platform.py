"""The host: five paths, JSON as text/plain, 200 whatever it says, and the faults that were asked for."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wechatpay_simulator.faults.fault_rule import OPEN_PLATFORM_EFFECTS
from wechatpay_simulator.faults.faults import Faults
from wechatpay_simulator.faults.faulty_reply import FaultyReply
from wechatpay_simulator.openplatform.apps import App, Apps, Kind
from wechatpay_simulator.openplatform.authorize import Authorize
from wechatpay_simulator.openplatform.codes import Codes
from wechatpay_simulator.openplatform.errcodes import ErrcodeError, refusal
from wechatpay_simulator.openplatform.sessions import session
from wechatpay_simulator.openplatform.tokens import Tokens
from wechatpay_simulator.protocol.reply import Reply, json_bytes
from wechatpay_simulator.watching.watched import remark

Members = Mapping[str, str]
PLAIN = "text/plain"  # WeChat says so of its JSON


class OpenPlatform:
    """An ASGI application for open.weixin.qq.com and api.weixin.qq.com at once."""

    def __init__(
        self, *, apps: Apps, codes: Codes, tokens: Tokens, authorize: Authorize, faults: Faults
    ) -> None:
        self._apps = apps
        self._codes = codes
        self._tokens = tokens
        self._faults = faults
        calls = {
            "/sns/oauth2/access_token": ("accessToken", self.access_token),
            "/sns/oauth2/refresh_token": ("refreshToken", self.refresh_token),
            "/sns/auth": ("auth", self.auth),
            "/sns/jscode2session": ("jscode2session", self.jscode2session),
        }
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/connect/oauth2/authorize", authorize.open, methods=["GET"]),
                *(Route(path, _Call(name, answer, faults)) for path, (name, answer) in calls.items()),
            ]
        )

    def access_token(self, members: Members) -> dict[str, Any]:
        """WeChat, Web authorization, step 2: an official account's code for tokens and the openid."""
        app = self._admitted(members, Kind.OFFICIAL_ACCOUNT, "code")
        return self._tokens.granted(self._codes.redeemed(members["code"], app.appid))

    def refresh_token(self, members: Members) -> dict[str, Any]:
        """The same, step 3."""
        appid = _present(members, "appid", 41002)
        refresh_token = _present(members, "refresh_token", 41003)
        if members.get("grant_type") != "refresh_token":
            raise ErrcodeError(40002)
        return self._tokens.refreshed(appid, refresh_token)

    def auth(self, members: Members) -> dict[str, Any]:
        """The same: is this token still good?"""
        self._tokens.require(_present(members, "access_token", 41001), _present(members, "openid", 41009))
        return {"errcode": 0, "errmsg": "ok"}

    def jscode2session(self, members: Members) -> dict[str, Any]:
        """WeChat, code2Session: a mini program's code for the openid and the session key."""
        app = self._admitted(members, Kind.MINI_PROGRAM, "js_code")
        return session(self._apps, self._codes.redeemed(members["js_code"], app.appid))

    def _admitted(self, members: Members, kind: Kind, code: str) -> App:
        """The app that calls. Raises ErrcodeError; the code is not used up by that."""
        appid = _present(members, "appid", 41002)
        secret = _present(members, "secret", 41004)
        _present(members, code, 41008)
        if members.get("grant_type") != "authorization_code":
            raise ErrcodeError(40002)
        app = self._apps.find(appid)
        if app is None or app.kind is not kind:
            raise ErrcodeError(40013)
        if secret != app.secret:
            raise ErrcodeError(40125)
        return app


class _Call:
    """An ASGI application for one path. `name` is what fault rules call it."""

    def __init__(self, name: str, answer: Callable[[Members], dict[str, Any]], faults: Faults) -> None:
        self._name = name
        self._answer = answer
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        members = dict(parse_qsl(Request(scope).url.query))
        fault = self._faults.take(self._name, *OPEN_PLATFORM_EFFECTS)
        if fault is None:
            await self._answered(members, scope).send(send)
        elif fault.effect == "errcode":
            remark(scope, f"fault rule errcode {fault.parameters['errcode']}")
            if fault.parameters.get("after", False):
                self._answered(members, scope)
            body = refusal(fault.parameters["errcode"], fault.parameters.get("errmsg"))
            await _reply(body).send(send)
        else:
            remark(scope, f"fault rule {fault.effect}")
            faulty = FaultyReply(fault, answered=lambda: self._answered(members, scope), signer=None)
            await faulty.send(scope, receive, send)

    def _answered(self, members: Members, scope: Scope) -> Reply:
        try:
            return _reply(self._answer(members))
        except ErrcodeError as refused:
            remark(scope, f"errcode {refused.errcode}")
            return _reply(refusal(refused.errcode))


def _present(members: Members, name: str, errcode: int) -> str:
    if not members.get(name):
        raise ErrcodeError(errcode)
    return members[name]


def _reply(body: dict[str, Any]) -> Reply:
    return Reply(200, json_bytes(body), number=None, content_type=PLAIN)
