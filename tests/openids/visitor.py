"""A checkout and browsers within WeChat, in this process: real functions, tables in memory, the simulator's open platform over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from payments.api.http import endpoint
from payments.core.checkouts.checkout import Checkout
from tests.kit.functions import function
from tests.kit.logs import logged_to
from tests.kit.secrets import CHECKOUT
from tests.openids.login import CHARGE, Login

HERE = "http://127.0.0.1:8000"  # the API, as WeChat knows it
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36"
    " XWEB/1260117 MMWEBSDK/20240404 MicroMessenger/8.0.49.2600(0x28003133) WeChat/arm64 NetType/WIFI"
)


@dataclass(frozen=True)
class Sent:
    """Where a browser was sent."""

    status: int
    location: str
    cookies: list[str]
    headers: Mapping[str, str]
    body: str

    @property
    def query(self) -> dict[str, str]:
        """Of the location."""
        return dict(parse_qsl(urlsplit(self.location).query))


class Street:
    """The functions of a checkout, and WeChat."""

    def __init__(self, login: Login) -> None:
        self.login, self.wiring, self.db = login, login.wiring, login.db
        self.wiring.settings._environment.update(  # type: ignore[attr-defined]
            CHECKOUT_SECRET="checkout",
            WECHAT_NOTIFY_URL=f"{HERE}/api/v1/payments/wechat/notify",
            WECHAT_AUTHORIZE_ORIGIN=login.simulator.open_platform_url,
            STACK_SCOPE="test",
            ORDER_MINUTES="120",
            DUE_SHARDS="4",
            LIVE_URL="wss://live.example.com",
        )
        login.secrets.put("checkout", CHECKOUT)
        self._intent = endpoint(function("checkout_intent").answer, self.wiring)
        self._wechat, self._page = function("checkout_wechat"), function("checkout")
        for module in (self._wechat, self._page):
            module.wiring = self.wiring  # type: ignore[attr-defined]

    def checkout(self, **members: object) -> dict[str, Any]:
        """A new one: what the backend was answered."""
        body = {"contentId": "content-1", "amount": "10.00", "subject": "A thing", **members}
        event = {
            "routeKey": "POST …/checkout",
            "headers": {},
            "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "shop", "scope": CHARGE}}}},
            "body": json.dumps(body),
        }
        answer = self._intent(event, None)
        assert answer["statusCode"] == 200, answer
        data: dict[str, Any] = json.loads(answer["body"])["data"]
        return data

    def stored(self, checkout: Mapping[str, Any]) -> Checkout:
        """As it lies in its table."""
        found = self.wiring.checkouts.get(checkout["checkoutId"])
        assert found is not None
        return found

    def ask(
        self,
        path: str,
        query: Mapping[str, str],
        cookies: Mapping[str, str],
        user_agent: str = PHONE,
        **headers: str,
    ) -> dict[str, Any]:
        """What GET /checkout/… answers."""
        _, _, token, *rest = path.split("/")
        event = {
            "routeKey": "GET /checkout/{token}" + "".join(f"/{each}" for each in rest),
            "headers": {"user-agent": user_agent, **headers},
            "queryStringParameters": dict(query),
            "pathParameters": {"token": token},
            "cookies": [f"{name}={value}" for name, value in cookies.items()],
            "requestContext": {"http": {"sourceIp": "203.0.113.7"}},
        }
        with logged_to(self.login.written):
            answer: dict[str, Any] = (self._wechat if rest else self._page).lambda_handler(event, None)
        return answer


class Visitor:
    """A browser within somebody's WeChat, with its cookies."""

    def __init__(self, street: Street, person: str = "alice", user_agent: str = PHONE) -> None:
        self.street, self.person, self.user_agent = street, person, user_agent
        self.cookies: dict[str, str] = {}

    def goes(self, checkout: Mapping[str, Any], **query: str) -> Sent:
        """To /checkout/{token}/wechat, with what WeChat has sent along, or without."""
        path = urlsplit(checkout["checkoutUrl"]).path + "/wechat"
        answer = self.street.ask(path, query, self.cookies, self.user_agent)
        headers = answer["headers"]
        sent = Sent(
            answer["statusCode"],
            headers.get("location", ""),
            answer.get("cookies", []),
            headers,
            answer["body"],
        )
        for cookie in sent.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return sent

    def is_led_back(self, sent: Sent) -> dict[str, str]:
        """What WeChat sends along, where this browser was sent to it."""
        answer = requests.get(
            sent.location,
            headers={"user-agent": PHONE},
            cookies={"wechat_person": self.person},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}" == HERE
        return dict(parse_qsl(back.query))

    def is_identified(self, checkout: Mapping[str, Any]) -> Sent:
        """The whole way: where it ends."""
        return self.goes(checkout, **self.is_led_back(self.goes(checkout)))

    def sees(self, checkout: Mapping[str, Any]) -> dict[str, Any]:
        """The page's view of it."""
        path = urlsplit(checkout["checkoutUrl"]).path
        answer = self.street.ask(path, {}, self.cookies, self.user_agent, accept="application/json")
        assert answer["statusCode"] == 200, answer
        view: dict[str, Any] = json.loads(answer["body"])
        return view

    def openid(self, checkout: Mapping[str, Any]) -> str | None:
        """Who the checkout takes this browser's buyer for."""
        from payments.core import identifiers

        cookie = self.cookies.get("checkout_device", "")
        visit = self.street.stored(checkout).visits.get(identifiers.visit_key(checkout["checkoutId"], cookie))
        return visit.openid if visit else None
