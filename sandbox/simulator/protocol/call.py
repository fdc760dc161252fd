"""One request as it came over the wire, and the answer to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Any

from sandbox.simulator.protocol.signing import MerchantKey


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
