"""One request as it came over the wire, and the answer to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from wechatpay_simulator.protocol.fields import Rule, Structure, Text, extra, missing
from wechatpay_simulator.protocol.signing import MerchantKey

_NO_BODY = Structure("请求", {})


@dataclass(frozen=True)
class Fields:
    """What a call may say, and by which rules: the parameters of its path, of its query string, the members of its body."""

    path: Mapping[str, Rule] = field(default_factory=dict)
    query: Mapping[str, Text] = field(default_factory=dict)
    body: Structure = _NO_BODY


@dataclass(frozen=True)
class Call:
    """A request that is authentic: its signature has been verified."""

    method: str
    headers: Mapping[str, str]  # names in lower case
    query: tuple[tuple[str, str], ...]  # decoded, in order
    body: bytes
    path_parameters: Mapping[str, str]
    merchant_key: MerchantKey  # of the certificate that the merchant signed with
    origin: str  # where the request came in: `http://127.0.0.1:8181`
    fields: Fields  # what it may say

    def path_member(self, name: str) -> str:
        """This parameter of the path. Raises a PARAM_ERROR refusal unless it keeps its rule."""
        value = self.path_parameters[name]
        self.fields.path[name].check(value, name, "uri_template")
        return value

    def query_members(self) -> dict[str, str]:
        """The query string's members, each once and by its rule. Raises the refusals of any other."""
        rules = self.fields.query
        found: dict[str, str] = {}
        for name, value in self.query:
            if name not in rules or name in found:
                raise extra(name, "query")
            rules[name].check(value, name, "query")
            found[name] = value
        for name, rule in rules.items():
            if rule.required and name not in found:
                raise missing(rule, name, "query")
        return found


@dataclass(frozen=True)
class Answer:
    """A success: its HTTP status and JSON body; without a body it is a 204."""

    body: Mapping[str, Any] | None
    status: int = 200


@dataclass(frozen=True)
class Download:
    """A file as it is: nobody has signed it (WeChat Pay APIv3, Download bill)."""

    content: bytes
    content_type: str


@dataclass(frozen=True)
class Endpoint:
    """One method of one path. `name` is what fault rules call it; `answer` may raise a Refusal."""

    name: str
    method: str
    path: Pattern[str]
    answer: Callable[[Call], Answer | Download]
    fields: Fields
