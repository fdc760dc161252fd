"""What a fault rule may say: on which operation, with which effect, and how that effect is measured out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NOTIFICATION = "notification"
REFUND = "refund"
ABNORMAL_REFUND = "abnormalRefund"
REQUESTS = (
    *("native", "jsapi", "h5", "app", "query", "close"),
    *(REFUND, "refundQuery", ABNORMAL_REFUND, "certificates", "echo"),
    *("tradeBill", "fundFlowBill", "billDownload"),
)
OPEN_PLATFORM = ("accessToken", "refreshToken", "auth", "jscode2session")
OPERATIONS = (*REQUESTS, NOTIFICATION, *OPEN_PLATFORM)

SIGNATURE_EFFECTS = ("bad_signature", "no_signature", "probe_signature", "wrong_serial", "stale")
_UNSIGNED_EFFECTS = (
    "latency",
    "reset_before",
    "reset_after",
    "status",
    "html",
    "truncate",
    "no_content_type",
)
ANSWER_EFFECTS = (*_UNSIGNED_EFFECTS, *SIGNATURE_EFFECTS)
OPEN_PLATFORM_EFFECTS = (*_UNSIGNED_EFFECTS, "errcode")
NOTIFICATION_EFFECTS = ("drop", "duplicate", "delay", "reorder", *SIGNATURE_EFFECTS)

_BODILESS = {204, 205, 304}  # HTTP gives these no body to hold a code or a page


class RuleError(ValueError):
    """A rule that is not one; the sentence names the field."""


@dataclass(frozen=True)
class Rule:
    """One kind of fault. `times` None is until cleared; `probability` is drawn for each time that it could happen."""

    on: str
    effect: str
    times: int | None
    probability: float
    parameters: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The rule as it was asked for."""
        common: dict[str, Any] = {"on": self.on, "effect": self.effect}
        if self.times is not None:
            common["times"] = self.times
        return common | {"probability": self.probability} | dict(self.parameters)


@dataclass(frozen=True)
class _Field:
    """One member of a rule: what it must be, as a sentence and as a check. `required` unless said otherwise."""

    must_be: str
    holds: Callable[[Any], bool]
    required: bool = True


def _number(value: Any, least: float, most: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and least <= value <= most
    )


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and _number(value, least, most)


def _choice(*words: str) -> _Field:
    return _Field(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


def _flag() -> _Field:
    return _Field("true or false", lambda value: isinstance(value, bool), required=False)


def _text(most: int, *, required: bool) -> _Field:
    return _Field(
        f"a text of 1 to {most} characters",
        lambda value: isinstance(value, str) and 0 < len(value) <= most,
        required=required,
    )


def _status(least: int) -> _Field:
    return _Field(
        f"an HTTP status from {least} to 599 that may have a body",
        lambda value: _whole(value, least, 599) and value not in _BODILESS,
    )


_COMMON: Mapping[str, _Field] = {
    "on": _choice(*OPERATIONS),
    "effect": _choice(*dict.fromkeys((*ANSWER_EFFECTS, *NOTIFICATION_EFFECTS, "result", "errcode"))),
    "times": _Field("a whole number, 1 or more", lambda value: _whole(value, 1, 10**9), required=False),
    "probability": _Field("a number from 0 to 1", lambda value: _number(value, 0, 1), required=False),
}

_PARAMETERS: Mapping[str, Mapping[str, _Field]] = {
    "latency": {"seconds": _Field("a number of seconds from 0 to 600", lambda value: _number(value, 0, 600))},
    "status": {
        "status": _status(200),
        "code": _text(64, required=True),
        "message": _text(256, required=False),
        "signed": _flag(),
        "empty": _flag(),
        "after": _flag(),
    },
    "html": {"status": _status(200), "after": _flag()},
    "duplicate": {"copies": _Field("a whole number from 2 to 20", lambda value: _whole(value, 2, 20))},
    "delay": {
        "seconds": _Field("a number of seconds from 0 to 604800", lambda value: _number(value, 0, 604800))
    },
    "errcode": {
        "errcode": _Field(
            "a whole number other than 0", lambda value: _whole(value, -(10**9), 10**9) and value != 0
        ),
        "errmsg": _text(256, required=False),
        "after": _flag(),
    },
    "result": {"result": _choice("SUCCESS", "CLOSED", "ABNORMAL")},
}


def parsed_rule(document: Any, name: str) -> Rule:
    """The rule in `document`. Raises RuleError; `name` is what its sentences call the rule."""
    if not isinstance(document, dict):
        raise RuleError(f"{name} is not an object.")
    for field in ("on", "effect"):
        _check(_COMMON[field], document, name, field)
    on, effect = document["on"], document["effect"]
    if effect not in _effects(on):
        raise RuleError(
            f"{name}.effect: {effect} is not an effect on {on}; those are {', '.join(_effects(on))}."
        )
    parameters = dict(_PARAMETERS.get(effect, {}))
    if document.get("empty") is True:  # an answer without a body has nowhere to put them
        parameters["code"] = _text(64, required=False)
    fields = {**_COMMON, **parameters}
    if unknown := sorted(document.keys() - fields.keys()):
        raise RuleError(f"{name}.{unknown[0]} is unknown; {effect} knows {', '.join(fields)}.")
    for field, rule in fields.items():
        _check(rule, document, name, field)
    return Rule(
        on=on,
        effect=effect,
        times=document.get("times"),
        probability=document.get("probability", 1),
        parameters={field: document[field] for field in parameters if field in document},
    )


def _effects(on: str) -> tuple[str, ...]:
    if on == NOTIFICATION:
        return NOTIFICATION_EFFECTS
    if on in OPEN_PLATFORM:
        return OPEN_PLATFORM_EFFECTS
    return (*ANSWER_EFFECTS, "result") if on in (REFUND, ABNORMAL_REFUND) else ANSWER_EFFECTS


def _check(field: _Field, document: Mapping[str, Any], name: str, member: str) -> None:
    if member not in document:
        if field.required:
            raise RuleError(f"{name}.{member} is missing: it is {field.must_be}.")
    elif not field.holds(document[member]):
        raise RuleError(f"{name}.{member} is not {field.must_be}.")
