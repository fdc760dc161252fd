"""Operations for dynalite to judge: what it answers rightly, and of that also the forms which moto does not.

tests/kit/draws.py says of each form, where it does not draw it, what moto makes of it.
"""

import random
import re
from typing import Any

from tests.kit.draws import KINDS, NAMES, Draws, Request

_COPY = re.compile(r"= (?:if_not_exists\()?#\w+")
_CHANGE = re.compile(r"\b(?:ADD|DELETE) ")


class FairDraws(Draws):
    """As Draws, but no update copies one attribute and adds to another: dynalite makes the copy and the original one thing.

    "DynamoDB evaluates every action against the item's attribute values as they were before the update" (Amazon DynamoDB
    Developer Guide, Using update expressions).
    """

    def _updates(self) -> str:
        names, values = dict(self._names), dict(self._values)
        while _COPY.search(text := super()._updates()) and _CHANGE.search(text):
            self._names, self._values = dict(names), dict(values)
        return text


class WideDraws(FairDraws):
    """As those, and now and then a form that moto answers otherwise than DynamoDB does."""

    def __init__(self, seed: object, *, payments: str, connections: str) -> None:
        super().__init__(seed, payments=payments, connections=connections)
        self._now_and_then = random.Random(f"wide {seed}")

    def _sometimes(self) -> bool:
        return self._now_and_then.random() < 0.25

    def _update(self) -> tuple[str, Request]:
        name, request = super()._update()
        if self._sometimes():
            request["ReturnValues"] = self._now_and_then.choice(("UPDATED_OLD", "UPDATED_NEW"))
        return name, request

    def _simple(self, depth: int) -> str:
        text = super()._simple(depth)
        return f"({text})" if self._now_and_then.random() < 0.03 else text

    def _test(self) -> str:
        if not self._sometimes():
            return super()._test()
        name, other = self._now_and_then.choices(NAMES, k=2)
        path, form = self._name(name), self._now_and_then.randrange(3)
        if form == 0:
            return f"{path} {self._now_and_then.choice(('=', '<>'))} {self._placed(self._value(other))}"
        if form == 1:
            return f"size({path}) {self._now_and_then.choice(('<', '=', '>='))} {self._placed({'N': '1'})}"
        return f"{path} {self._now_and_then.choice(('<', '>', '=', '<>'))} {path}"

    def _set(self, name: str) -> str:
        if not self._sometimes():
            return super()._set(name)
        path, other = self._name(name), self._name(self._now_and_then.choice(NAMES))
        form = self._now_and_then.randrange(4)
        if form == 0:
            return f"{path} = list_append({other}, {self._placed(self._value('l'))})"
        if form == 1:
            return f"{path} = {other} + {self._placed(self._number())}"
        if form == 2:
            return f"{path} = if_not_exists({other}, {self._placed(self._value(name))})"
        return f"{path} = {other}"

    def _number(self) -> dict[str, str]:
        if self._now_and_then.random() < 0.9:
            return super()._number()
        return {
            "N": self._now_and_then.choice(
                ("0.50", "007", "-0", "1E3", "9" * 38, "9" * 39, "1E126", "1E-131")
            )
        }

    def _value(self, name: str) -> dict[str, Any]:
        value = super()._value(name)
        if KINDS[name[0]] == "L" and self._sometimes():
            value["L"].append({"BOOL": False})
        return value
