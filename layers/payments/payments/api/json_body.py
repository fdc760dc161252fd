"""Request bodies: from bytes to a checked Struct, or to a refusal that names the field and the rule.

Strict and exact: one reading of every body, no float, nothing that costs more than its size.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, NoReturn, TypeVar, get_args, get_origin

import msgspec

from payments.core.errors import InvalidRequestError, ParameterError, TooLargeError
from payments.core.money import Exponential

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 16

T = TypeVar("T", bound=msgspec.Struct)

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_AT = re.compile(r" - at `\$\.?(.*)`$")


def load(raw: bytes, kind: type[T]) -> T:
    """The body as `kind`. Numbers with a fraction become Decimal, those with an exponent Exponential.

    Raises TooLargeError, InvalidRequestError when it is not one JSON object in UTF-8, ParameterError when a member
    breaks a rule of `kind`.
    """
    return read_as(kind, load_members(raw))


def load_one_of(raw: bytes, kinds: Iterable[type[T]]) -> T:
    """The body as the kind that its member `type` names: each kind is a Struct with such a tag. Raises what `load` does."""
    members, tags = load_members(raw), {str(kind.__struct_config__.tag): kind for kind in kinds}
    named = members.get("type")
    if not isinstance(named, str) or named not in tags:
        raise ParameterError("type", f"must be {' or '.join(tags)}" if "type" in members else "is required")
    return read_as(tags[named], members)


def read_as(kind: type[T], members: Mapping[str, object]) -> T:
    """The members of a body, as they were sent, as `kind`. Raises ParameterError when one breaks a rule of it."""
    known = (*kind.__struct_encode_fields__, kind.__struct_config__.tag_field)
    unknown = next((name for name in members if name not in known), None)
    if unknown is not None:
        raise ParameterError(unknown[:64], "is not a known field")
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as problem:
        field, issue = explain(str(problem))
        if words := _words_of(kind, field):
            issue = f"must be one of {', '.join(words)}"
        raise ParameterError(field, issue) from problem


def _words_of(kind: type[T], member: str) -> list[str]:
    """The words that a member may be, in their order; none where it is no matter of words."""
    for each in msgspec.structs.fields(kind):
        if each.encode_name == member:
            choices = [
                choice for choice in (each.type, *get_args(each.type)) if get_origin(choice) is Literal
            ]
            return [str(word) for choice in choices for word in get_args(choice)]
    return []


def explain(message: str) -> tuple[str, str]:
    """Field and issue from msgspec's message; the field is a path like `metadata.color`, or `body` for the whole."""
    place = _AT.search(message)
    path = place.group(1) if place else ""
    rule = message[: place.start()] if place else message
    if missing := re.search(r"missing required field `(.*)`$", rule):
        return f"{path}.{missing.group(1)}" if path else missing.group(1), "is required"
    if unknown := re.match(r"Object contains unknown field `(.*)`$", rule, re.DOTALL):
        return f"{path}.{unknown.group(1)[:64]}", "is not a known field"
    expected = re.match(r"Expected `(\w+)(?: \| null)?`(.*)$", rule)
    if not expected:
        return path or "body", "is not acceptable"
    kind, rest = expected.groups()
    words = {
        "str": "a string",
        "object": "an object",
        "array": "an array",
        "int": "a whole number",
        "bool": "true or false",
    }
    if bound := re.match(r" of length (>=|<=) (\d+)$", rest):
        side = "at least" if bound.group(1) == ">=" else "at most"
        what = "element" if kind == "array" else "character"
        return (
            path or "body",
            f"must have {side} {bound.group(2)} {what}{'' if bound.group(2) == '1' else 's'}",
        )
    if bound := re.match(r" (>=|<=) (\d+)$", rest):
        return path or "body", f"must be at {'least' if bound.group(1) == '>=' else 'most'} {bound.group(2)}"
    if "matching regex" in rest:
        return path or "body", "has characters that are not allowed"
    return path or "body", f"must be {words.get(kind, kind)}"


def load_members(raw: bytes) -> dict[str, object]:
    """The members of one JSON object, each name once. Raises TooLargeError, InvalidRequestError."""
    if len(raw) > MAX_BODY_BYTES:
        raise TooLargeError(f"The body is over {MAX_BODY_BYTES // 1024} KB.")
    if not raw.strip():
        raise InvalidRequestError("The body is empty; a JSON object is needed.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as problem:
        raise InvalidRequestError("The body is not UTF-8.") from problem
    if _depth(text) > MAX_DEPTH:
        raise InvalidRequestError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        members = json.loads(
            text, parse_float=_fraction, parse_int=_whole, parse_constant=_constant, object_pairs_hook=_once
        )
    except ValueError as problem:
        raise InvalidRequestError("The body is not JSON.") from problem
    if not isinstance(members, dict):
        raise InvalidRequestError("The body is not a JSON object.")
    if any(
        "\ud800" <= character <= "\udfff"
        for string in leaves(members)
        if isinstance(string, str)
        for character in string
    ):
        raise InvalidRequestError("The body has half of a surrogate pair, which is no text.")
    return members


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _whole(digits: str) -> int | Decimal:
    # Python refuses to read an int of more than 4300 digits, and a Decimal is bounded by the same checks.
    return int(digits) if len(digits) < 20 else Decimal(digits)


def _fraction(text: str) -> Decimal:
    try:
        return Exponential(text) if "e" in text.lower() else Decimal(text)
    except InvalidOperation as problem:
        raise InvalidRequestError("The body has a number whose exponent is out of range.") from problem


def _constant(name: str) -> NoReturn:
    raise InvalidRequestError(f"The body has {name}, which is not JSON.")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, member in pairs:
        if name in members:
            raise InvalidRequestError(f"The body has the key {json.dumps(name[:64])} twice.")
        members[name] = member
    return members


def leaves(value: object) -> Iterator[object]:
    """Every name and every text, number, true, false and null of a JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    else:
        yield value
