"""An answer to a notification, judged: what WeChat Pay makes of it, and what that does to the merchant."""

import json
from dataclasses import dataclass
from typing import Any

from wechatpay_simulator.notifications.courier import ACCEPTED
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS, Told
from wechatpay_simulator.triggering.tampering import Tamper


@dataclass(frozen=True)
class Verdict:
    """Whether the answer is as it should be, and why, as a sentence."""

    is_right: bool
    sentence: str


def judged(told: Told, tamper: Tamper | None) -> Verdict:
    """WeChat Pay APIv3, Payment notification: 200 or 204 within five seconds is acceptance, and its body is ignored;
    4xx or 5xx with a code and a message is a refusal. A notification that was tampered with is to be refused."""
    status = told.status
    if status == "timeout":
        return _wrong(
            f"too slow: no answer within {ANSWER_TIMEOUT_SECONDS:.0f} s is a failure, and it is sent again"
        )
    if not isinstance(status, int):
        return _wrong("nobody answers there, or not in HTTP")
    if status in ACCEPTED:
        if tamper is not None and not tamper.is_signed:
            return _wrong(f"accepted, and should be refused: {tamper.accepted_means}")
        return _of_acceptance(told, tamper)
    if 200 <= status < 300:
        return _wrong("wrong status: of success only 200 and 204 are taken, and it is sent again")
    if 300 <= status < 400:
        return _wrong("wrong status: a redirect is not followed, and it is sent again")
    if tamper is None:
        return _wrong(f"wrong status: refused, so it is sent again{_code(told.body)}")
    if not _code(told.body):
        return _wrong("wrong body: refused, as it should be, but a refusal has a code and a message in JSON")
    return Verdict(True, f"refused, as it should be{_code(told.body)}")


def _of_acceptance(told: Told, tamper: Tamper | None) -> Verdict:
    said = _object(told.body)
    if told.body.strip() and (said is None or said.get("code", "SUCCESS") != "SUCCESS"):
        what = "is not JSON" if said is None else "does not say SUCCESS"
        return _wrong(
            f"wrong body: it {what}, but WeChat Pay goes by the status alone: this is acceptance, and it is not sent again"
        )
    if tamper is not None:
        return Verdict(
            True,
            "accepted: it is WeChat Pay's. See to it that nothing was credited, for the amount is not the order's",
        )
    return Verdict(True, "accepted")


def _wrong(sentence: str) -> Verdict:
    return Verdict(False, sentence)


def _code(body: bytes) -> str:
    """The same as the end of a sentence."""
    code = code_of(body)
    return f" ({code})" if code else ""


def code_of(body: bytes) -> str:
    """The code of a refusal; nothing when it is not one."""
    said = _object(body) or {}
    code, message = said.get("code"), said.get("message")
    is_one = isinstance(code, str) and isinstance(message, str) and code.isidentifier() and code != "SUCCESS"
    return code[:32] if is_one and isinstance(code, str) else ""


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
