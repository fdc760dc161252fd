"""IAM as far as this stack needs it: does a role's policy allow this action on this resource under these conditions?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

OPERATORS = ("StringEquals", "StringLike", "ForAllValues:StringEquals", "ForAllValues:StringLike")
"""Condition operators that are understood; any other one raises, for a condition must never pass unread."""
KEYS = ("dynamodb:LeadingKeys", "events:source", "events:detail-type")
"""Condition keys that the sandbox can fill from a request; any other one raises."""

_STATEMENT = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class UnsupportedPolicyError(Exception):
    """A policy holds an element that this evaluation does not understand."""


@dataclass(frozen=True)
class Need:
    """One thing that a request asks for: an action on a resource, with the values of its condition keys."""

    action: str  # dynamodb:PutItem
    resource: str  # an ARN, or "*" where the action has no resource
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def statements_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statements of an identity policy. Raises UnsupportedPolicyError for whatever `allowed` could not judge."""
    statements = _list(document.get("Statement", []))
    for statement in statements:
        _check(statement)
    return statements


def allowed(statements: Iterable[Mapping[str, Any]], need: Need) -> bool:
    """Whether the statements allow what is needed: at least one Allow, no Deny (IAM User Guide, evaluation logic)."""
    granted = False
    for statement in statements:
        if not _covers(statement, need):
            continue
        if statement["Effect"] == "Deny":
            return False
        granted = True
    return granted


def trusts(trust: Mapping[str, Any], service: str) -> bool:
    """Whether this service, as in lambda.amazonaws.com, may assume a role with this trust policy."""
    for statement in _list(trust.get("Statement", [])):
        services = _list(statement.get("Principal", {}).get("Service", []))
        if (
            statement.get("Effect") == "Allow"
            and "sts:AssumeRole" in _list(statement.get("Action", []))
            and service in services
            and not statement.get("Condition")
        ):
            return True
    return False


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with IAM's wildcards."""
    return _pattern(pattern).fullmatch(text) is not None


def _check(statement: Mapping[str, Any]) -> None:
    if unknown := set(statement) - _STATEMENT:
        raise UnsupportedPolicyError(f"unknown element of a policy statement: {', '.join(sorted(unknown))}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise UnsupportedPolicyError("Effect must be Allow or Deny")
    for element in ("Action", "Resource"):
        if (element in statement) == (f"Not{element}" in statement):
            raise UnsupportedPolicyError(f"a statement needs either {element} or Not{element}")
    for resource in _list(statement.get("Resource", statement.get("NotResource"))):
        if "${" in resource:
            raise UnsupportedPolicyError(f"policy variables are not supported: {resource}")
    for operator, tests in statement.get("Condition", {}).items():
        if operator not in OPERATORS:
            raise UnsupportedPolicyError(f"unknown condition operator: {operator}")
        if unknown := set(tests) - set(KEYS):
            raise UnsupportedPolicyError(f"unknown condition key: {', '.join(sorted(unknown))}")


def _covers(statement: Mapping[str, Any], need: Need) -> bool:
    return (
        _selects(statement, "Action", need.action.lower(), lower=True)
        and _selects(statement, "Resource", need.resource, lower=False)
        and all(
            _holds(operator, need.context.get(key), _list(wanted))
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
    )


def _selects(statement: Mapping[str, Any], element: str, value: str, *, lower: bool) -> bool:
    negated = element not in statement
    patterns = _list(statement[f"Not{element}" if negated else element])
    return negated != any(fits(p.lower() if lower else p, value) for p in patterns)


def _holds(operator: str, have: tuple[str, ...] | None, wanted: list[str]) -> bool:
    for_all = operator.startswith("ForAllValues:")
    if operator.removeprefix("ForAllValues:") not in ("StringEquals", "StringLike"):
        raise UnsupportedPolicyError(f"unknown condition operator: {operator}")
    if not have:
        return for_all  # ForAllValues is true of no values at all; a plain operator needs its key
    if operator.endswith("StringEquals"):
        matches = [value in wanted for value in have]
    else:
        matches = [any(fits(p, value) for p in wanted) for value in have]
    return all(matches) if for_all else any(matches)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` any run of characters, `?` exactly one, everything else itself."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text), re.DOTALL)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
