"""From the bytes of a request to a JSON object, or a refusal."""

import json
from typing import Any

from sandbox.simulator.refusals import Refusal, parameter_error


def parsed(body: bytes) -> dict[str, Any]:
    """The one JSON object in `body`. Raises a PARAM_ERROR refusal.

    WeChat Pay APIv3, Basic rules: JSON in UTF-8. Refused besides: the numbers that only Python's parser knows (NaN, Infinity),
    a member that is there twice, and a byte order mark.
    """
    try:
        document = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique_members
        )
    except (ValueError, RecursionError):
        raise _not_json() from None
    if not isinstance(document, dict):
        raise _not_json()
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _not_json() -> Refusal:
    return parameter_error("请求体不是合法的 JSON，无法解析", pointer="", issue="not a JSON object in UTF-8")
