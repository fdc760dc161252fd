"""connect/oauth2/authorize: a page inside WeChat asks who its reader is, and gets a code by a redirect."""

import re
import secrets
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from wechatpay_simulator.openplatform.apps import Apps, Kind
from wechatpay_simulator.openplatform.codes import Codes, Grant
from wechatpay_simulator.wechat_page import inside_wechat, wechat_page

COOKIE = "wechat_person"  # who is logged in to the WeChat that this browser is: one person per browser
PERSON = re.compile(r"[0-9A-Za-z_-]{1,64}")
SCOPES = ("snsapi_base", "snsapi_userinfo")

# WeChat, Web authorization: the link's parameters stand in this order, and its error codes.
_ORDER = ("appid", "redirect_uri", "response_type", "scope", "state")
_STATE = re.compile(r"[0-9A-Za-z]{0,128}")


class Authorize:
    """`domains` are those that the official account has registered for web authorization, each to the letter."""

    def __init__(self, apps: Apps, codes: Codes) -> None:
        self.domains: tuple[str, ...] = ("127.0.0.1", "localhost")
        self._apps = apps
        self._codes = codes

    async def open(self, request: Request) -> Response:
        """302 to redirect_uri with code and state; otherwise a page, with its number as `data-code`."""
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        members = dict(pairs)
        if not inside_wechat(request):
            return _refused("OUTSIDE_WECHAT", "请在微信客户端打开链接")
        problem = self._problem([name for name, _ in pairs], members)
        if problem is not None:
            return _refused(*problem)
        known = request.cookies.get(COOKIE, "")
        person = known if PERSON.fullmatch(known) else secrets.token_hex(8)
        code = self._codes.new(Grant(members["appid"], person, members["scope"]))
        answer = RedirectResponse(
            _with(members["redirect_uri"], code=code, state=members.get("state", "")), 302
        )
        answer.set_cookie(COOKIE, person, path="/connect", httponly=True, samesite="lax")
        return answer

    def _problem(self, names: list[str], members: dict[str, str]) -> tuple[str, str] | None:
        """The number and the words of what is wrong with the link."""
        for name, number in (("appid", "10012"), ("redirect_uri", "10011"), ("scope", "10010")):
            if not members.get(name):
                return number, f"{name}不能为空"
        known = [name for name in names if name in _ORDER]
        if known != [name for name in _ORDER if name in members] or members.get("response_type") != "code":
            return "LINK", "链接参数有误"
        app = self._apps.find(members["appid"])
        if app is None:
            return "40013", "AppID 参数错误"
        if app.kind is not Kind.OFFICIAL_ACCOUNT:
            return "10016", "不支持微信开放平台的Appid，请使用公众号Appid"
        if members["scope"] not in SCOPES:
            return "10005", "Scope 参数错误或没有 Scope 权限"
        if not self._registered(members["redirect_uri"]):
            return "10003", "redirect_uri域名与后台配置不一致"
        if not _STATE.fullmatch(members.get("state", "")):
            return "10013", "state 参数错误"
        return None

    def _registered(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in self.domains


def _with(url: str, **members: str) -> str:
    """The address with these members behind those that it has."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(members))))
    return urlunsplit(parts._replace(query=query))


def _refused(code: str, words: str) -> Response:
    return wechat_page(code, f"<h1>{escape(words)}</h1>")
