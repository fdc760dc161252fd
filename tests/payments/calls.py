"""Functions called as Lambda calls them, within this process."""

import json
from collections.abc import Callable
from typing import Any

from payments.api.http import Handler, endpoint
from payments.wiring import Wiring
from sandbox.aws.aws import Aws
from tests.kit.functions import function
from wechatpay.errors import UnknownOutcomeError

QUOTE_KEY = "a quote key of thirty-two characters or more"


class Line:
    """WeChat Pay for whoever opens orders: a code for each. It remembers all that it is asked, and answers nothing else."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def order_native(self, request: bytes) -> str:
        self.asked.append(json.loads(request))
        return f"weixin://wxpay/bizpayurl?pr={len(self.asked)}"

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(*_given: Any) -> Any:
            self.asked.append({"operation": operation})
            raise UnknownOutcomeError("nobody answers")

        return ask


class Calls:
    """Calls of functions; `asked` is what WeChat Pay was asked, `used` what AWS was."""

    def __init__(self, wiring: Wiring, aws: Aws) -> None:
        self.line = Line()
        self.wiring = wiring
        wiring.wechat = self.line  # type: ignore[assignment]  # the part that leaves this machine
        self.headers: dict[str, str] = {}  # of the last answer
        self._handlers: dict[str, Handler] = {}
        self._aws = aws
        aws.take_uses()  # only so many are kept: counted from here, and not by their place among all of them

    @property
    def asked(self) -> list[dict[str, Any]]:
        return self.line.asked

    @property
    def used(self) -> list[str]:
        return [use.action for use in self._aws.uses]

    def forget(self) -> None:
        """Count from here."""
        self.line.asked.clear()
        self._aws.take_uses()

    def __call__(
        self,
        name: str,
        *,
        authorizer: object = None,
        body: object = None,
        number: str | None = None,
        key: str | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of what the function answers to an HTTP API's event."""
        event = {
            "routeKey": name,
            "headers": {} if key is None else {"idempotency-key": key},
            "requestContext": {} if authorizer is None else {"authorizer": authorizer},
            "pathParameters": {} if number is None else {"outTradeNo": number},
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        if name not in self._handlers:
            self._handlers[name] = endpoint(function(name).answer, self.wiring)
        answer = self._handlers[name](event, None)
        self.headers = answer["headers"]
        return answer["statusCode"], json.loads(answer["body"])

    def as_(self, sub: object, scope: object, name: str, **given: Any) -> tuple[int, Any]:
        """The same, with the claims that API Gateway has verified."""
        return self(name, authorizer={"jwt": {"claims": {"sub": sub, "scope": scope}}}, **given)
