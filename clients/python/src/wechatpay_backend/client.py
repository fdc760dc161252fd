"""The client: how a call goes out, when it is repeated, and what its refusal says (docs/api.md and docs/answers.md of the backend)."""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

from wechatpay_backend.errors import PaymentsError
from wechatpay_backend.generated.operations import Operations

PAUSE_SECONDS = 2
"""Before a repetition where no answer says how long: nobody answered, or API Gateway itself did."""


class Client(Operations):
    """Every operation of the backend, a method each. One client may serve several threads only with a session for each.

    `base_url` is the stack's `ApiUrl`, or the sandbox's address. `access_token` is one, or what gives one; it is asked for each
    attempt, and must stay the same caller's, for a key belongs to its caller. `retry_for` is in seconds: how long a call is
    repeated where that is safe, 0 for never. `timeout`, in seconds, is for one attempt; the backend answers within 30.
    """

    def __init__(
        self,
        base_url: str,
        access_token: str | Callable[[], str],
        *,
        retry_for: float = 30,
        timeout: float = 35,
        session: requests.Session | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._access_token = access_token
        self._retry_for, self._timeout = retry_for, timeout
        self._session = session or requests.Session()

    def _call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None],
        body: Mapping[str, Any] | None,
        key: str | None,
        takes_key: bool,
        token: bool,
        json: bool,
    ) -> Any:
        headers = {"Accept": "application/json"}
        if takes_key:
            key = str(uuid.uuid4()) if key is None else key
            if not re.fullmatch(r"[!-~]{1,255}", key):
                raise ValueError("idempotency_key must be 1 to 255 visible ASCII characters")
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = requests.Request(
            method,
            self._base_url + path,
            headers,
            params={member: value for member, value in query.items() if value is not None},
            data=_bytes(body) if body is not None else None,  # written once: a repetition sends the same
        )
        response = self._sent(name, request, key, token=token)
        if not json:
            return response.text
        answer = _object(response)
        if answer is None:
            raise _refusal(name, response, key)
        return answer.get("data", answer)

    def _sent(
        self, name: str, request: requests.Request, key: str | None, *, token: bool
    ) -> requests.Response:
        """The answer, if it is a 2xx.

        A 503, a 429, and what nobody answered is repeated unchanged under the same key: after exactly the answer's `Retry-After`,
        never before, as long as that lies within `retry_for`. Everything else is the last word on this call.
        """
        ends = time.monotonic() + self._retry_for
        while True:
            if token:
                given = self._access_token
                request.headers["Authorization"] = f"Bearer {given if isinstance(given, str) else given()}"
            prepared = self._session.prepare_request(request)
            settings = self._session.merge_environment_settings(prepared.url, {}, None, None, None)
            refusal: PaymentsError
            try:
                response = self._session.send(
                    prepared, timeout=self._timeout, allow_redirects=False, **settings
                )
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as problem:
                refusal = PaymentsError(name, "NO_ANSWER", "nobody answered in time", idempotency_key=key)
                refusal.__cause__ = problem
            else:
                if 200 <= response.status_code < 300:
                    return response
                refusal = _refusal(name, response, key)
            repeatable = refusal.status in (429, 503) or refusal.code == "NO_ANSWER"
            wait = PAUSE_SECONDS if refusal.retry_after is None else refusal.retry_after
            until = time.monotonic() + wait
            if not repeatable or until > ends:
                raise refusal
            while (left := until - time.monotonic()) > 0:
                time.sleep(left)

    @staticmethod
    def _path(path: str, **parameters: str) -> str:
        for name, value in parameters.items():
            if not value:
                raise ValueError(f"{name} must not be empty")
        return path.format(**{name: quote(value, safe="") for name, value in parameters.items()})


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def _object(response: requests.Response) -> dict[str, Any] | None:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _refusal(name: str, response: requests.Response, key: str | None) -> PaymentsError:
    answer = _object(response) or {}
    retry_after = response.headers.get("Retry-After", "")
    if isinstance(answer.get("code"), str) and isinstance(answer.get("error"), str):
        code, message = answer["code"], answer["error"]
    else:
        code = "GATEWAY" if "message" in answer else "UNREADABLE"
        message = str(answer.get("message", f"HTTP {response.status_code}"))
    return PaymentsError(
        name,
        code,
        message,
        status=response.status_code,
        details=answer.get("details"),
        retry_after=int(retry_after) if re.fullmatch("[0-9]+", retry_after) else None,
        idempotency_key=key,
        request_id=response.headers.get("Apigw-Requestid"),
    )
