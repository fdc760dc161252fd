"""From a POST to the JSON object in it, or a refusal."""

import json
from typing import Any

from wechatpay_simulator.protocol.call import Call
from wechatpay_simulator.protocol.fields import extra
from wechatpay_simulator.protocol.refusals import Refusal, invalid_request, mapped_twice, parameter_error


def posted(call: Call) -> dict[str, Any]:
    """The JSON object that was posted, by the rules of the call. Raises the refusals of one that breaks them, of another media
    type, of a query string and of a body that is no JSON object."""
    request = unchecked(call)
    for name in call.path_parameters:
        if name in request:
            raise mapped_twice(call.fields.path[name].title, name, "body")
    call.fields.body.check(request, "")
    return request


def unchecked(call: Call) -> dict[str, Any]:
    """The same before its members are looked at."""
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise invalid_request("Http头Content-Type不是application/json")
    if call.query:
        raise extra(call.query[0][0], "query")
    return parsed(call.body)


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
