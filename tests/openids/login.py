"""POST …/openid in this process: the real function, tables in memory, the simulator's open platform over HTTP."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from payments.api.http import endpoint
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.functions import function
from tests.kit.logs import logged_to
from tests.kit.office import OfficeWiring
from tests.kit.secrets import SecretsManager
from wechatpay_simulator import Clock, Credentials, Simulator

CHARGE, PAY = "payments:charge", "payments:pay"


@dataclass(frozen=True)
class Told:
    """What a caller was answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def openid(self) -> str:
        """Of a success, whose answer has nothing besides."""
        assert self.status == 200, self.body
        assert list(self.body) == ["success", "data"]
        assert list(self.body["data"]) == ["openid"]
        return str(self.body["data"]["openid"])

    @property
    def wait(self) -> int:
        """Seconds until a repetition, of a 503."""
        assert (self.status, self.body["code"]) == (503, "SYSTEMERROR"), self.body
        return int(self.headers["retry-after"])

    @property
    def void(self) -> str:
        """WeChat's number, of a code that is refused."""
        assert (self.status, self.body["code"], self.body["details"]["field"]) == (
            400,
            "PARAM_ERROR",
            "code",
        ), self.body
        return str(self.body["details"]["wechatCode"])


class Login:
    """Whoever has a code; WeChat, which gives it; the operator, who writes secrets."""

    def __init__(self, db: MemoryDynamoDB, credentials: Credentials) -> None:
        self.db, self.credentials = db, credentials
        self.clock = Clock()
        self.simulator = Simulator(credentials, clock=self.clock)
        self.simulator.start()
        self.secrets = SecretsManager(
            {
                "apps": {
                    "WECHAT_APP_SECRET": credentials.app_secret,
                    "WECHAT_APP_SECRET_MINI": credentials.mini_program_secret,
                }
            }
        )
        self.written = io.StringIO()
        self.at(self.simulator.open_platform_url)

    def at(self, origin: str) -> None:
        """A function that starts now, with the open platform there."""
        mine = self.credentials
        self.wiring = OfficeWiring(
            {
                **self.db.environment,
                "WECHAT_APP_ID": mine.appid,
                "WECHAT_APPS": f"shop={mine.appid},mini={mine.mini_program_appid},mobile={mine.mobile_appid}",
                "WECHAT_MINI_PROGRAMS": "mini",
                "WECHAT_OPEN_PLATFORM": origin,
                "WECHAT_OPEN_PLATFORMS_ALLOWED": origin,
                "APPS_SECRET": "apps",
            }
        )
        self.wiring.__dict__["_secrets_manager"] = self.secrets
        self._handler = endpoint(function("openid").answer, self.wiring)

    def close(self) -> None:
        self.simulator.stop()

    # ---- WeChat ----

    def code(self, app: str = "shop", person: str = "alice") -> tuple[str, str]:
        """A code that this person's WeChat gives the app, and the openid that it stands for."""
        appids = {"shop": self.credentials.appid, "mini": self.credentials.mini_program_appid}
        told = self._control("login", {"appid": appids[app], "person": person})
        return told["code"], told["openid"]

    def fault(self, on: str, effect: str, **parameters: Any) -> None:
        """WeChat goes wrong once."""
        self._control("faults", {"rules": [{"on": on, "effect": effect, "times": 1, **parameters}]})

    def _control(self, name: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.simulator.url}/_sandbox/{name}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # ---- the function ----

    def ask(self, code: object, *, by: str = "backend", scope: str = CHARGE, **members: object) -> Told:
        """What the function answers to this code."""
        return self.post(json.dumps({"code": code, **members}), by=by, scope=scope)

    def post(self, body: str, *, by: str = "backend", scope: str = CHARGE) -> Told:
        """What the function answers to this body."""
        claims = {"sub": by, "scope": scope}
        event = {
            "routeKey": "POST /api/v1/payments/wechat/openid",
            "headers": {"content-type": "application/json"},
            "body": body,
            "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
        }
        with logged_to(self.written):
            answer = self._handler(event, None)
        return Told(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What the function has logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def counted(self, metric: str) -> list[dict[str, str]]:
        """The dimensions of each time that something was counted."""
        return [dimensions for name, _, dimensions in self.wiring.measured if name == metric]
