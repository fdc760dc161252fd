"""A rule of the requests' fields as a document: read off the rule itself, so that it says what is checked."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from wechatpay_simulator.protocol.fields import Items, Rule, Structure


def shown_rule(rule: Rule) -> dict[str, Any]:
    """`type`, then what the rule holds: `title`, `required`, `minimum`, `maximum`, `pattern`, `members`, `item`."""
    shown: dict[str, Any] = {"type": type(rule).__name__.lower()}
    if is_dataclass(rule):
        shown |= {each.name: getattr(rule, each.name) for each in fields(rule)}
    if isinstance(rule, Structure):
        shown["members"] = shown_rules(rule.members)
    if isinstance(rule, Items):
        shown["item"] = shown_rule(rule.item)
    return {name: value for name, value in shown.items() if value is not None}


def shown_rules(rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Each member by its name."""
    return {name: shown_rule(rule) for name, rule in rules.items()}
