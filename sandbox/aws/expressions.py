"""DynamoDB's refusal of placeholders that no expression uses, which moto lets pass."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_PLACEHOLDER = re.compile(r"[:#][A-Za-z0-9_]+")


def unused_placeholders(operation: str, body: Mapping[str, Any]) -> str | None:
    """The message of the ValidationException that DynamoDB would answer, or None when every placeholder is used."""
    for part in _parts(operation, body):
        used = {name for key in _EXPRESSIONS for name in _PLACEHOLDER.findall(part.get(key) or "")}
        for declared in ("ExpressionAttributeValues", "ExpressionAttributeNames"):
            names = part.get(declared) or {}
            if names and not any(part.get(key) for key in _EXPRESSIONS):
                return f"{declared} can only be specified when using expressions"
            if unused := sorted(set(names) - used):
                return f"Value provided in {declared} unused in expressions: keys: {{{', '.join(unused)}}}"
    return None


def _parts(operation: str, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every part of a request that has expressions of its own."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in body.get("TransactItems", ()):
            yield from item.values()
    elif operation == "BatchGetItem":
        yield from body.get("RequestItems", {}).values()
    else:
        yield body
