"""HTTP: an API Gateway event becomes a Request, what an endpoint returns or raises becomes the answer.

Source of both forms: API Gateway developer guide, Lambda proxy integration, payload format 2.0.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from payments.api.callers import Caller, caller_of
from payments.core.access import SCOPE_NAMES
from payments.core.errors import (
    ApiError,
    InvalidRequestError,
    ParameterError,
    StorageUnavailableError,
    TryAgainError,
)
from payments.core.payment import Payment
from payments.logs import log_fields, logger
from payments.wiring import Wiring

_JSON = msgspec.json.Encoder(decimal_format="number")
# What a browser must not do with an answer, should one be led to show it (OWASP, "REST Security Cheat Sheet").
_HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_NUMBER_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*")


@dataclass(frozen=True)
class Request:
    """One HTTP request: header names in lower case, the body's bytes as they arrived."""

    headers: Mapping[str, str]
    body: bytes
    path_parameters: Mapping[str, str]
    claims: Mapping[str, object]
    query: Mapping[str, str] = field(default_factory=dict)
    query_text: str = ""  # as it was sent: `query` has one value for each name, several joined by commas
    source_ip: str = ""  # whoever holds the connection to API Gateway: the buyer, or what stands in between
    scope_names: Mapping[str, str] = field(default_factory=lambda: SCOPE_NAMES)
    cookies: Mapping[str, str] = field(default_factory=dict)
    # What the one log line of this request will say.
    log_context: dict[str, object] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """Who calls. Raises NotAllowedError."""
        caller = caller_of(self.claims, self.scope_names)
        self.log_context["caller"] = caller.sub
        return caller

    @property
    def out_trade_no(self) -> str:
        """The order number in the path. Raises ParameterError when no order number can look like it."""
        number = self.path_parameters.get("outTradeNo", "")
        if not (6 <= len(number) <= 32 and set(number) <= _NUMBER_CHARACTERS):
            raise ParameterError("outTradeNo", "must be 6 to 32 characters of 0-9 A-Z a-z _ - | *")
        self.log_context["out_trade_no"] = number
        return number

    def log_payment(self, payment: Payment) -> None:
        """Have the log line say which payment this was about."""
        self.log_context.update(log_fields(payment))


# Seconds for a request, inside the function's fifteen: the handler, not Lambda, says what is unknown.
REQUEST_BUDGET_SECONDS = 12

Answer = Callable[[Request, Wiring], dict[str, object]]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def endpoint(
    answer: Answer, wiring: Wiring | None = None, *, ahead: Sequence[str] = (), status: int = 200
) -> Handler:
    """A Lambda handler around `answer`, which returns the members of `data` or raises an ApiError.

    Without a `wiring` one is made of the environment, with the parts that are named in `ahead`. `status` is that of success: 202 where
    the work has only begun.
    """
    wired = wiring or Wiring(ahead=ahead)

    def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        log_context: dict[str, object] = {}
        wired.begin(REQUEST_BUDGET_SECONDS)
        try:
            request = replace(request_of(event, log_context), scope_names=wired.settings.scope_names)
            members = {"success": True, "data": answer(request, wired)}
            logger.info(operation(event), extra=log_context)
            return response(status, members)
        except ApiError as refusal:
            return render_refusal(refusal, event, log_context)
        except Exception as problem:  # noqa: BLE001  the last resort: a caller never sees a stack trace
            return render_refusal(unforeseen(problem), event, log_context, cause=problem)

    return lambda_handler


def request_of(event: Mapping[str, Any], log_context: dict[str, object]) -> Request:
    """The Request in an HTTP API event. Raises InvalidRequestError."""
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError) as problem:
        raise InvalidRequestError("The body is not text.") from problem
    context = event.get("requestContext", {})
    authorizer, connection = context.get("authorizer") or {}, context.get("http") or {}
    return Request(
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=raw,
        path_parameters=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        query_text=event.get("rawQueryString") or "",
        source_ip=str(connection.get("sourceIp") or ""),
        claims=(authorizer.get("jwt") or {}).get("claims") or {},
        cookies=dict(each.partition("=")[::2] for each in event.get("cookies") or ()),
        log_context=log_context,
    )


def operation(event: Mapping[str, Any]) -> str:
    """The route, as the log calls it."""
    return str(event.get("routeKey") or "unknown route")


def response(
    status: int, members: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """An HTTP API answer with a JSON body."""
    return {"statusCode": status, "headers": {**_HEADERS, **(headers or {})}, "body": encode(members)}


def encode(members: Mapping[str, object]) -> str:
    """JSON text; a Decimal is written digit by digit."""
    return _JSON.encode(members).decode()


def unforeseen(problem: Exception) -> ApiError:
    """What a caller is told of an exception that is not an ApiError: storage trouble is worth a retry, a bug is not."""
    if isinstance(problem, StorageUnavailableError):
        return TryAgainError("The payment's storage did not answer.")
    return ApiError("Something went wrong on our side.")


def render_refusal(
    refusal: ApiError,
    event: Mapping[str, Any],
    log_context: Mapping[str, object],
    cause: Exception | None = None,
) -> dict[str, Any]:
    """Log a refusal once and render it."""
    note = {**log_context, "http_status": refusal.status, "error": refusal.code, **_safe(refusal.details)}
    if cause is not None and refusal.status == 500:
        logger.error(operation(event), extra={**note, "exception_type": type(cause).__name__}, exc_info=cause)
    elif refusal.status >= 500:
        logger.warning(operation(event), extra={**note, "cause": str(refusal.__cause__ or cause or "")})
    else:
        logger.info(operation(event), extra=note)
    headers = {"retry-after": str(refusal.retry_after)} if refusal.retry_after is not None else None
    members = {"error": refusal.sentence, "code": refusal.code, "details": refusal.details}
    return response(refusal.status, members, headers)


def _safe(details: Mapping[str, object]) -> dict[str, object]:
    return {
        f"detail_{name}": value
        for name, value in details.items()
        if name in ("field", "issue", "wechatCode", "requestId")
    }
