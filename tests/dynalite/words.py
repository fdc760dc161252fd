"""A request in words that dynalite understands: where it misreads an operator, others say the same.

Two of its faults matter here, and test_dynalite.py holds that it still has them:
- Two lists or maps are never alike to it. "EQ is supported for all data types, including lists and maps" (Amazon DynamoDB
  API Reference, Condition). So `a = :list` becomes the type, the size, and each member.
- Within IN and BETWEEN an empty text is nothing to it. "Empty String and Binary attribute values are allowed" (the same,
  PutItem). So `a IN (:x, :y)` becomes `a = :x OR a = :y`, and `a BETWEEN :x AND :y` becomes `a >= :x AND a <= :y`; only
  where attributes may be empty, for it reads each pair of parentheses twice, and deep ones for minutes.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from tests.kit.dynamodb import Request

_CONDITIONS = ("ConditionExpression", "FilterExpression")
_PATH = r"(?P<path>#\w+(?:\.#\w+|\[\d+\])*)"
_ALIKE = re.compile(rf"{_PATH} *(?P<operator>=|<>) *(?P<value>:\w+)")
_BETWEEN = re.compile(rf"{_PATH} +BETWEEN +(?P<low>:\w+) +AND +(?P<high>:\w+)")
_IN = re.compile(rf"{_PATH} +IN +\((?P<values>[^)]*)\)")


def in_words_of_dynalite(request: Request, *, empty_texts: bool = False) -> Request:
    """The same request, with conditions that dynalite reads as DynamoDB does; `empty_texts` says whether texts may be empty."""
    values = request.get("ExpressionAttributeValues", {})
    if not empty_texts and not any(value.keys() & {"L", "M"} for value in values.values()):
        return request
    words = _Words(values, request.get("ExpressionAttributeNames", {}), empty_texts=empty_texts)
    told = dict(request) | {name: words.of(request[name]) for name in _CONDITIONS if name in request}
    standing = set(re.findall(r":\w+", " ".join(text for text in told.values() if isinstance(text, str))))
    gone = (
        values.keys() - standing
        if any(told[name] != request[name] for name in _CONDITIONS if name in told)
        else set()
    )
    told["ExpressionAttributeValues"] = {
        name: value for name, value in words.values.items() if name not in gone
    }
    told["ExpressionAttributeNames"] = words.names
    return {name: part for name, part in told.items() if part != {}}


class _Words:
    """Conditions with others in their place; `values` and `names` are what their placeholders stand for."""

    def __init__(self, values: Mapping[str, Any], names: Mapping[str, str], *, empty_texts: bool) -> None:
        self.values, self.names = dict(values), dict(names)
        self._empty_texts = empty_texts
        self._new = itertools.count()

    def of(self, condition: str) -> str:
        """The condition, said otherwise."""
        if self._empty_texts:
            condition = _IN.sub(self._in, _BETWEEN.sub(self._between, condition))
        return _ALIKE.sub(self._alike, condition)

    def _between(self, found: re.Match[str]) -> str:
        path, low, high = found.group("path", "low", "high")
        return _together(found, " AND ", [f"{path} >= {low}", f"{path} <= {high}"])

    def _in(self, found: re.Match[str]) -> str:
        tests = [f"{found['path']} = {value.strip()}" for value in found["values"].split(",")]
        return _together(found, " OR ", tests)

    def _alike(self, found: re.Match[str]) -> str:
        value = self.values[found["value"]]
        if not value.keys() & {"L", "M"}:
            return found[0]
        tests = self._tests(found["path"], value)
        if found["operator"] == "=":
            return _together(found, " AND ", tests)
        return _together(found, " OR ", [f"NOT {test}" for test in tests])

    def _tests(self, path: str, value: Mapping[str, Any]) -> list[str]:
        ((kind, members),) = value.items()
        if kind not in ("L", "M"):
            return [f"{path} = {self._placed(dict(value))}"]
        tests = [f"attribute_type({path}, {self._placed({'S': kind})})"]
        tests.append(f"size({path}) = {self._placed({'N': str(len(members))})}")
        inner = (
            [(f"{path}[{at}]", member) for at, member in enumerate(members)]
            if kind == "L"
            else [(f"{path}.{self._named(name)}", member) for name, member in members.items()]
        )
        return tests + [test for at, member in inner for test in self._tests(at, member)]

    def _placed(self, value: dict[str, Any]) -> str:
        placeholder = f":w{next(self._new)}"
        self.values[placeholder] = value
        return placeholder

    def _named(self, name: str) -> str:
        placeholder = f"#w{next(self._new)}"
        self.names[placeholder] = name
        return placeholder


def _together(found: re.Match[str], operator: str, tests: list[str]) -> str:
    """The tests in parentheses, unless what they replace stood in its own: needless ones are refused."""
    text = operator.join(tests)
    before, after = found.string[: found.start()].rstrip(), found.string[found.end() :].lstrip()
    return text if len(tests) == 1 or (before[-1:] == "(" and after[:1] == ")") else f"({text})"
