"""DynamoDB's conditions: of writes, of keys, of filters.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tests.kit.expressions import Item, Operand, Parser, Placeholders
from tests.kit.values import SETS, InvalidError, Value, equal, length, ordered

Test = Callable[[Item, Placeholders], bool]

_ORDER = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


@dataclass(frozen=True)
class Condition:
    """A parsed condition, and the placeholders that stand in it."""

    holds: Test
    used: frozenset[str]


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
        begin = self._at
        left = self._operand()
        first = self._tokens[begin : self._at]
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
        begin = self._at
        right = self._operand()
        self._must_differ(comparator, first, self._tokens[begin : self._at])
        return _compared(comparator, left, right)

    def _must_differ(self, operator: str, first: list[str], second: list[str]) -> None:
        """No path is compared with itself."""
        if first == second and first[0][0] != ":" and "(" not in first:
            raise InvalidError(
                f"Invalid {self.kind}: The first operand must be distinct from the remaining operands for this operator or"
                f" function; operator: {operator}, first operand: [{''.join(first)}]"
            )

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
        begin = self._at + 1
        one, other = self._list(2)
        operands = self._tokens[begin : self._at - 1]
        self._must_differ(name, operands[: len(operands) // 2], operands[len(operands) // 2 + 1 :])
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
