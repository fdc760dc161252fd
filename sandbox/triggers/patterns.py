"""Event patterns: which events a rule takes (EventBridge User Guide, Creating event patterns)."""

from collections.abc import Mapping
from typing import Any


class UnsupportedPatternError(Exception):
    """A pattern that EventBridge would refuse, or with an operator that is not understood here."""


def check(pattern: Any, where: str = "EventPattern") -> None:
    """Raise UnsupportedPatternError for whatever `matches` could not judge."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise UnsupportedPatternError(f"{where} must be an object with at least one field")
    for name, wanted in pattern.items():
        place = f"{where}.{name}"
        if isinstance(wanted, Mapping):
            check(wanted, place)
        elif not isinstance(wanted, list) or not wanted:
            raise UnsupportedPatternError(f"{place} must be a list of values, or an object")
        else:
            for one in wanted:
                _check_one(one, place)


def _check_one(wanted: Any, place: str) -> None:
    if isinstance(wanted, list):
        raise UnsupportedPatternError(f"{place}: a list within a list")
    if isinstance(wanted, float):
        raise UnsupportedPatternError(f"{place}: the sandbox knows whole numbers only")
    if isinstance(wanted, Mapping):
        if list(wanted) != ["prefix"]:
            raise UnsupportedPatternError(f"{place}: the sandbox knows no {', '.join(sorted(wanted))}")
        if not isinstance(wanted["prefix"], str):
            raise UnsupportedPatternError(f"{place}: a prefix must be text")


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether every field of the pattern is in the event, with one of the values asked for.

    Numbers are compared as they are written, so 300 is not 300.0: the event must have fractions as Decimal.
    """
    for name, wanted in pattern.items():
        if name not in event:
            return False
        value = event[name]
        if isinstance(wanted, Mapping):
            if not isinstance(value, Mapping) or not matches(wanted, value):
                return False
        elif not any(_equals(one, have) for one in wanted for have in _each(value)):
            return False
    return True


def _each(value: Any) -> list[Any]:
    """An array matches when one of its members does."""
    return value if isinstance(value, list) else [value]


def _equals(wanted: Any, have: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(have, str) and have.startswith(wanted["prefix"])
    return type(wanted) is type(have) and bool(wanted == have)  # 1 is not true
