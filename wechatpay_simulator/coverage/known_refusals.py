"""The refusals that the simulator knows: every function of protocol/refusals.py that makes one, asked for it."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from wechatpay_simulator.protocol import refusals
from wechatpay_simulator.protocol.refusals import Refusal

_GIVEN = "…"  # stands for what is said only then: a member, a value


def known_refusals() -> list[dict[str, Any]]:
    """Status, code, message and when it comes, by status."""
    made = [
        (function, _made(function))
        for _, function in inspect.getmembers(refusals, inspect.isfunction)
        if function.__module__ == refusals.__name__ and get_type_hints(function).get("return") is Refusal
    ]
    found = [
        {
            "status": refusal.status,
            "code": refusal.body["code"],
            "message": refusal.body["message"],
            "when": _when(function),
        }
        for function, refusal in made
    ]
    return sorted(found, key=lambda each: (each["status"], each["code"], each["when"]))


def _made(function: Callable[..., Refusal]) -> Refusal:
    """With a stand-in for each argument that has to be given."""
    parameters = inspect.signature(function).parameters.values()
    needed = [each for each in parameters if each.default is each.empty]
    placed = [_GIVEN for each in needed if each.kind is not each.KEYWORD_ONLY]
    named = {each.name: _GIVEN for each in needed if each.kind is each.KEYWORD_ONLY}
    return function(*placed, **named)


def _when(function: Callable[..., Refusal]) -> str:
    """Its first sentence, without the status that it begins with."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split()).partition(": ")[2]
