"""What an answer of WeChat Pay proves, for every operation: the one table by which all use cases decide.

A refusal is believed for good only when WeChat Pay signed it and no earlier try of the same request may have been taken.
docs/answers.md says the same for people. Source of the codes: WeChat Pay APIv3, error codes of "Native order", "JSAPI
order", "Query order", "Close order", "Refund", "Query refund" and "Abnormal refund".
"""

from enum import Enum

from wechatpay.errors import RefusedError, UnknownOutcomeError

RETRY_SECONDS = 2  # seconds until a caller repeats what had an unknown outcome
LONG_RETRY_SECONDS = 60  # seconds until a caller repeats what passes by itself or by an operator's hand only

# About keys, rights, balance and pace, not about this order or refund: the same bytes go through once that is mended.
_PASSING = (
    "SIGN_ERROR",
    "NO_AUTH",
    "MCH_NOT_EXISTS",
    "MCHID_NOT_EXIST",
    "RULE_LIMIT",
    "FREQUENCY_LIMITED",
    "RATELIMIT_EXCEEDED",
    "RATE_LIMITED",
)
_PASSING_FOR = {"refund": ("NOT_ENOUGH",)}
# They may say that the number is known there, in another state or with other content: a query tells.
_NUMBER_KNOWN = {
    "create": ("ORDER_PAID", "ORDER_CLOSED", "OUT_TRADE_NO_USED", "INVALID_REQUEST", "PARAM_ERROR"),
    "refund": ("INVALID_REQUEST", "PARAM_ERROR"),
    "abnormal_refund": ("INVALID_REQUEST", "PARAM_ERROR"),
}
_MISSING = {"query": ("ORDER_NOT_EXIST",), "query_refund": ("RESOURCE_NOT_EXISTS",)}
_ASKED = ("query", "query_refund")


class Verdict(Enum):
    """What is known after an answer that was no success."""

    REFUSED = "refused"  # it has not happened, and this number will never be taken
    MISSING = "missing"  # WeChat Pay has no such order or refund; one that is on its way may still arrive
    NOT_NOW = "not_now"  # kept: the same bytes go through later
    TO_BE_ASKED = "to_be_asked"  # it may be there, by an earlier try or in another state: a query tells
    UNKNOWN = "unknown"  # nothing


def verdict_of(operation: str, problem: RefusedError | UnknownOutcomeError, *, first: bool = True) -> Verdict:
    """What `problem` proves about one `operation`: create, close, refund, abnormal_refund, query or query_refund.

    `first` tells that no earlier send of this number can have been taken: only then a refusal of the create or the
    refund can be the last word.
    """
    if isinstance(problem, UnknownOutcomeError):
        return Verdict.NOT_NOW if problem.http_status == 429 else Verdict.UNKNOWN
    if operation not in _ASKED and problem.is_code(*_PASSING, *_PASSING_FOR.get(operation, ())):
        return Verdict.NOT_NOW
    if not problem.proven:
        return Verdict.UNKNOWN
    if operation in _ASKED:
        missing = problem.is_code(*_MISSING[operation]) and not problem.after_unknown
        return Verdict.MISSING if missing else Verdict.UNKNOWN
    sure = first and not problem.after_unknown
    if operation == "close" or not sure or problem.is_code(*_NUMBER_KNOWN[operation]):
        return Verdict.TO_BE_ASKED
    return Verdict.REFUSED


def retry_after_of(operation: str, problem: RefusedError | UnknownOutcomeError) -> int:
    """The Retry-After, in seconds, of an answer that cannot be given because of `problem`."""
    return LONG_RETRY_SECONDS if verdict_of(operation, problem) is Verdict.NOT_NOW else RETRY_SECONDS
