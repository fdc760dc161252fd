"""What an answer of WeChat Pay's proves: a success, a refusal, or nothing at all.

Source: WeChat Pay APIv3, "Verify signatures" and "Error codes".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from wechatpay.errors import RefusedError, SignatureError, UnknownOutcomeError
from wechatpay.keys import VerificationKeys
from wechatpay.verification import verify

# Documented under HTTP 500, and yet final (WeChat Pay APIv3, order error codes).
_FINAL_5XX = ("OPENID_MISMATCH", "INVALID_TRANSACTIONID")


@dataclass(frozen=True)
class Answer:
    """A verified answer: HTTP status, JSON members (empty for 204) and WeChat's Request-ID."""

    status: int
    members: dict[str, object]
    request_id: str | None


def read_answer(
    status: int, headers: Mapping[str, str], content: bytes, *, keys: VerificationKeys, now: float
) -> Answer:
    """The answer, if it is a proven success; `headers` must not mind the case of a name, `now` is in epoch seconds.

    RefusedError when WeChat Pay definitely said no, UnknownOutcomeError for everything else.
    """
    request_id = headers.get("Request-ID")
    # Refusals of a request whose own signature was not accepted carry none; success always does.
    proven = "Wechatpay-Signature" in headers
    if status < 300 or proven:
        try:
            verify(headers, content, keys=keys, now=now)
        except SignatureError as problem:
            raise UnknownOutcomeError(
                f"answer not proven: {problem.reason}", http_status=status, request_id=request_id
            ) from problem
    members = _members(content)
    if status in (200, 204):
        if members is None and content:
            raise UnknownOutcomeError("answer is not JSON", http_status=status, request_id=request_id)
        return Answer(status, members or {}, request_id)
    code, message = (members or {}).get("code"), (members or {}).get("message")
    if isinstance(code, str) and isinstance(message, str):
        refused = RefusedError(
            code=code, message=message, http_status=status, request_id=request_id, proven=proven
        )
        if (400 <= status < 500 and status != 429) or (status >= 500 and refused.is_code(*_FINAL_5XX)):
            raise refused
        raise UnknownOutcomeError(
            f"HTTP {status} {code}", code=code, message=message, http_status=status, request_id=request_id
        )
    raise UnknownOutcomeError(f"HTTP {status}", http_status=status, request_id=request_id)


def _members(content: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
