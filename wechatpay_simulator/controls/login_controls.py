"""POST /_sandbox/login: a code without a browser, as wx.login gives one to a mini program."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wechatpay_simulator.controls.control_request import ControlError, members, told
from wechatpay_simulator.openplatform.apps import Apps, Kind
from wechatpay_simulator.openplatform.authorize import PERSON, SCOPES
from wechatpay_simulator.openplatform.codes import Codes, Grant


class LoginControls:
    """People are names; whoever is not named is somebody whose name is `person`."""

    def __init__(self, apps: Apps, codes: Codes) -> None:
        self._apps = apps
        self._codes = codes

    def routes(self) -> list[Route]:
        """The route of the control."""
        return [Route("/_sandbox/login", told(self.login), methods=["POST"])]

    async def login(self, request: Request) -> Response:
        """`appid`, the mini program's unless said, and `person` → `code`, and the `openid` that it will be exchanged for."""
        body = await members(request, {"appid", "person"})
        appid = body.get("appid", self._apps.of_kind(Kind.MINI_PROGRAM).appid)
        person = body.get("person", "person")
        app = self._apps.find(appid) if isinstance(appid, str) else None
        if app is None or app.secret is None:
            raise ControlError("appid is of the mini program or the official account in the credentials.")
        if not isinstance(person, str) or not PERSON.fullmatch(person):
            raise ControlError("person is 1 to 64 letters, digits, hyphens and underscores.")
        code = self._codes.new(Grant(app.appid, person, SCOPES[0]))
        return JSONResponse({"code": code, "openid": self._apps.openid(app.appid, person)})
