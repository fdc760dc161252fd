"""Whether a body keeps the file's rules: its schema, and the bounds in bytes that a schema cannot say."""

import json
from collections.abc import Mapping
from typing import Any

from tests.kit.document import DOCUMENT

SCHEMAS = DOCUMENT.raw["components"]["schemas"]
_VALIDATORS = {name: DOCUMENT.validator(SCHEMAS[name]) for name in SCHEMAS}


def fits(name: str, body: Any) -> bool:
    """Whether `body` may be sent where the file says `name`; a fault of its quote is 403, and no fault of the body."""
    judged = {member: value for member, value in body.items() if member != "quote"}
    return _VALIDATORS[name].is_valid(judged) and within_bytes(name, body)


def within_bytes(name: str, body: Mapping[str, Any]) -> bool:
    """Whether every member is within its x-max-bytes."""
    for member, given in SCHEMAS[name]["properties"].items():
        most, value = DOCUMENT.resolved(given).get("x-max-bytes"), body.get(member)
        if most is None or value is None:
            continue
        size = len(value.encode()) if isinstance(value, str) else size_of_metadata(value)
        if size > most:
            return False
    return True


def size_of_metadata(value: Any) -> int:
    """Bytes of compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
