"""Whether a body keeps the file's rules: its schema, and the bounds in bytes that a schema cannot say."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.api.orders.members import MAX_DETAIL_BYTES
from tests.kit.document import DOCUMENT

SCHEMAS = DOCUMENT.raw["components"]["schemas"]
_VALIDATORS = {name: DOCUMENT.validator(SCHEMAS[name]) for name in SCHEMAS}


def fits(name: str, body: Any) -> bool:
    """Whether `body` may be sent where the file says `name`; a fault of its quote is 403, and no fault of the body."""
    judged = {member: value for member, value in body.items() if member != "quote"}
    return _VALIDATORS[name].is_valid(judged) and within_bytes(name, body)


def within_bytes(name: str, body: Mapping[str, Any]) -> bool:
    """Whether every member, however deep, is within its x-max-bytes."""
    return _within_bytes(SCHEMAS[name], body)


def _within_bytes(schema: Mapping[str, Any], value: Any) -> bool:
    rules = DOCUMENT.resolved(dict(schema))
    most = rules.get("x-max-bytes")
    if most is not None and value is not None:
        size = len(value.encode()) if isinstance(value, str) else size_of_metadata(value)
        if size > most:
            return False
    if isinstance(value, dict):
        members = rules.get("properties", {})
        return all(_within_bytes(members[name], value[name]) for name in members.keys() & value.keys())
    if isinstance(value, list) and "items" in rules:
        return all(_within_bytes(rules["items"], each) for each in value)
    return True


def goods_are_told(goods: Any) -> bool:
    """Whether WeChat Pay can be told of them: something, in no more than 6144 bytes. They are as the file has them."""
    if goods is None:
        return True
    told = _told(goods)
    return bool(told) and size_of_metadata(told) <= MAX_DETAIL_BYTES


def _told(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [_told(each) for each in value]
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), each): _told(value[each], each)
            for each in value
            if value[each] is not None
        }
    return int(Decimal(str(value)) * 100) if name in ("costPrice", "unitPrice") else value


def size_of_metadata(value: Any) -> int:
    """Bytes of compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
