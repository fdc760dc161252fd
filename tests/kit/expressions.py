"""DynamoDB's expressions as text: their tokens, document paths and operands, and whether a condition holds for an item.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
A parsed expression is a function of an item and of what the placeholders stand for; it is kept by its text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.kit.values import SETS, InvalidError, Value, equal, length, ordered

Item = Mapping[str, Value]
Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[-+=<>(),.\[\]])|([#:]?[A-Za-z0-9_]+))")
_ORDER = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_MOST = 4096  # bytes of an expression


@dataclass(frozen=True)
class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request: all that its expressions use."""

    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)


Operand = Callable[[Item, Placeholders], Value | None]
Test = Callable[[Item, Placeholders], bool]


@dataclass(frozen=True)
class Condition:
    """A parsed condition, and the placeholders that stand in it."""

    holds: Test
    used: frozenset[str]


class Parser:
    """Reads one expression from left to right. `kind` is the parameter's name, for messages."""

    def __init__(self, text: str, kind: str) -> None:
        self.kind = kind
        self.used: set[str] = set()
        self._tokens = self._split(text)
        self._at = 0

    def _split(self, text: str) -> list[str]:
        if not text.strip():
            raise InvalidError(f"Invalid {self.kind}: The expression can not be empty;")
        if len(text.encode()) > _MOST:
            raise InvalidError(f"Invalid {self.kind}: Expression size has exceeded the maximum allowed size;")
        tokens, end, text = [], 0, text.rstrip()
        while end < len(text):
            found = _TOKEN.match(text, end)
            if found is None:
                raise InvalidError(f'Invalid {self.kind}: Syntax error; token: "{text[end]}"')
            tokens.append(found[1] or found[2])
            end = found.end()
        return tokens

    # ---- tokens ----

    @property
    def next(self) -> str:
        """The token that comes next; empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """The next token, which is over then."""
        token = self.next
        self._at += 1
        return token

    def taken(self, token: str) -> bool:
        """Whether this one came next; then it is over. Keywords have no case."""
        found = self.next.upper() == token
        self._at += found
        return found

    def need(self, token: str) -> None:
        """This one must come next."""
        if not self.taken(token):
            raise self.wrong()

    def wrong(self) -> InvalidError:
        """What is next may not stand there."""
        shown = f'"{self.next}"' if self.next else "<EOF>"
        near = "".join(self._tokens[max(self._at - 1, 0) : self._at + 2])
        return InvalidError(f'Invalid {self.kind}: Syntax error; token: {shown}, near: "{near}"')

    def end(self) -> None:
        """Nothing may be left."""
        if self.next:
            raise self.wrong()

    @property
    def is_function(self) -> bool:
        """Whether a name with an opening parenthesis comes next."""
        return self._tokens[self._at + 1 : self._at + 2] == ["("] and self.next.isidentifier()

    # ---- paths and operands ----

    def path(self) -> Callable[[Placeholders], Path]:
        """A document path: names, placeholders of names, list indexes."""
        parts: list[str | int] = [self._name()]
        while True:
            if self.taken("."):
                parts.append(self._name())
            elif self.taken("["):
                index = self.take()
                if not index.isdigit():
                    raise self.wrong()
                parts.append(int(index))
                self.need("]")
            else:
                return self._resolved(tuple(parts))

    def _name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            self.used.add(token)
        elif not token or not (token[0].isalpha() or token[0] == "_"):
            self._at -= 1
            raise self.wrong()
        elif token.upper() in _reserved():
            raise InvalidError(
                f"Invalid {self.kind}: Attribute name is a reserved keyword; reserved keyword: {token}"
            )
        return token

    @staticmethod
    def _resolved(parts: Path) -> Callable[[Placeholders], Path]:
        def path(placeholders: Placeholders) -> Path:
            names = placeholders.names
            return tuple(names[p] if type(p) is str and p[0] == "#" else p for p in parts)

        return path

    def value(self) -> Operand:
        """A placeholder of a value."""
        token = self.take()
        self.used.add(token)
        return lambda _item, placeholders: placeholders.values[token]

    def attribute(self) -> Operand:
        """What lies at a path; None when nothing does."""
        path = self.path()
        return lambda item, placeholders: found(item, path(placeholders))


def found(item: Item, path: Path) -> Value | None:
    """What lies at this place of the item; None when nothing does."""
    value: Any = item.get(path[0])  # type: ignore[call-overload]
    for part in path[1:]:
        if value is None:
            return None
        if type(part) is int:
            members = value.get("L", ())
            value = members[part] if part < len(members) else None
        else:
            value = value.get("M", {}).get(part)
    return value  # type: ignore[no-any-return]


@cache
def _reserved() -> frozenset[str]:
    # AWS's own list; moto has a copy of it, which is wanted only where an expression names an attribute outright.
    from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

    return frozenset(ReservedKeywords.get_reserved_keywords())


# ---- conditions ----


@cache
def condition(text: str, kind: str = "ConditionExpression") -> Condition:
    """The condition that this text says. InvalidError where its grammar does not."""
    parser = _Conditions(text, kind)
    test = parser.any_of()
    parser.end()
    return Condition(test, frozenset(parser.used))


class _Conditions(Parser):
    """OR binds loosest, then AND, then NOT."""

    def any_of(self) -> Test:
        """… OR …"""
        tests = [self._all_of()]
        while self.taken("OR"):
            tests.append(self._all_of())
        if len(tests) == 1:
            return tests[0]
        return lambda item, placeholders: any(test(item, placeholders) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._negated()]
        while self.taken("AND"):
            tests.append(self._negated())
        if len(tests) == 1:
            return tests[0]
        return lambda item, placeholders: all(test(item, placeholders) for test in tests)

    def _negated(self) -> Test:
        if self.taken("NOT"):
            test = self._negated()
            return lambda item, placeholders: not test(item, placeholders)
        if self.next != "(":
            return self._single()
        self.take()
        opened, before = self.next == "(", self._at
        test = self.any_of()
        if opened and self.next == ")" and self._closes(before) == self._at - 1:
            raise InvalidError(f"Invalid {self.kind}: The expression has redundant parentheses;")
        self.need(")")
        return test

    def _closes(self, opening: int) -> int:
        """Where the parenthesis ends that begins at this token."""
        depth = 0
        for at in range(opening, len(self._tokens)):
            depth += {"(": 1, ")": -1}.get(self._tokens[at], 0)
            if depth == 0:
                return at
        return -1

    def _single(self) -> Test:
        if self.is_function and self.next != "size":
            return self._function(self.take())
        left = self._operand()
        if self.taken("BETWEEN"):
            low = self._operand()
            self.need("AND")
            return _between(left, low, self._operand())
        if self.taken("IN"):
            return _in(left, self._list())
        comparator = self.take()
        if comparator not in ("=", "<>", *_ORDER):
            self._at -= 1
            raise self.wrong()
        return _compared(comparator, left, self._operand())

    def _operand(self) -> Operand:
        if self.next.startswith(":"):
            return self.value()
        if self.is_function:
            if self.take() != "size":
                self._at -= 1
                raise InvalidError(
                    f"Invalid {self.kind}: The function is not allowed to be used this way in an expression;"
                    f" function: {self.next}"
                )
            (of,) = self._list(1)

            def size(item: Item, placeholders: Placeholders) -> Value | None:
                value = of(item, placeholders)
                return None if value is None else length(value)

            return size
        return self.attribute()

    def _list(self, count: int | None = None) -> list[Operand]:
        self.need("(")
        operands = [self._operand()]
        while self.taken(","):
            operands.append(self._operand())
        self.need(")")
        if count is not None and len(operands) != count:
            raise InvalidError(
                f"Invalid {self.kind}: Incorrect number of operands for operator or function;"
                f" number of operands: {len(operands)}"
            )
        return operands

    def _function(self, name: str) -> Test:
        if name in ("attribute_exists", "attribute_not_exists"):
            (of,) = self._list(1)
            wanted = name == "attribute_exists"
            return lambda item, placeholders: (of(item, placeholders) is not None) is wanted
        if name not in _BINARY:
            raise InvalidError(f"Invalid {self.kind}: Invalid function name; function: {name}")
        one, other = self._list(2)
        judge = _BINARY[name]

        def test(item: Item, placeholders: Placeholders) -> bool:
            left, right = one(item, placeholders), other(item, placeholders)
            return left is not None and right is not None and judge(left, right)

        return test


def _compared(comparator: str, one: Operand, other: Operand) -> Test:
    if comparator in ("=", "<>"):
        wanted = comparator == "="

        def same(item: Item, placeholders: Placeholders) -> bool:
            left, right = one(item, placeholders), other(item, placeholders)
            if left is None or right is None:  # nothing is like what is not there
                return not wanted
            return equal(left, right) is wanted

        return same
    judge = _ORDER[comparator]

    def test(item: Item, placeholders: Placeholders) -> bool:
        left, right = one(item, placeholders), other(item, placeholders)
        if left is None or right is None or left.keys() != right.keys():
            return False
        first, second = ordered(left), ordered(right)
        return first is not None and second is not None and judge(first, second)

    return test


def _between(one: Operand, low: Operand, high: Operand) -> Test:
    from_, to = _compared(">=", one, low), _compared("<=", one, high)
    return lambda item, placeholders: from_(item, placeholders) and to(item, placeholders)


def _in(one: Operand, others: list[Operand]) -> Test:
    def test(item: Item, placeholders: Placeholders) -> bool:
        value = one(item, placeholders)
        found = [other(item, placeholders) for other in others]
        return value is not None and any(each is not None and equal(value, each) for each in found)

    return test


def _begins_with(value: Value, start: Value) -> bool:
    return any(kind in value and kind in start and value[kind].startswith(start[kind]) for kind in "SB")


def _contains(value: Value, part: Value) -> bool:
    ((kind, inner),) = value.items()
    if kind in ("S", "B"):
        return kind in part and part[kind] in inner
    if kind in SETS:
        return SETS[kind] in part and part[SETS[kind]] in inner
    return kind == "L" and any(equal(member, part) for member in inner)


_BINARY: dict[str, Callable[[Value, Value], bool]] = {
    "begins_with": _begins_with,
    "contains": _contains,
    "attribute_type": lambda value, kind: kind.get("S") in value,
}
