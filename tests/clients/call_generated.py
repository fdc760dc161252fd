"""Calls a client that openapi-python-client has generated: operations, an API and tokens on standard input, what came on standard output."""

import datetime as dt
import importlib
import json
import pkgutil
import re
import sys
import typing
from typing import Any

import generated.api
from generated.client import AuthenticatedClient, Client


def snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().replace("-_", "-"))


def modules() -> dict[str, Any]:
    """Each operation's module, by its name."""
    found = pkgutil.walk_packages(generated.api.__path__, "generated.api.")
    return {one.name.rpartition(".")[2]: importlib.import_module(one.name) for one in found if not one.ispkg}


def read(kind: Any, content: dict[str, Any]) -> Any:
    """The body as one of the classes that the operation takes."""
    for one in typing.get_args(kind) or (kind,):
        try:
            return one.from_dict(content)
        except (KeyError, ValueError, TypeError):
            continue
    raise ValueError(f"{kind} does not take {content}")


def made(module: Any, call: dict[str, Any], base_url: str) -> Any:
    rest, given = dict(call["input"]), {}
    hints = typing.get_type_hints(module.sync_detailed)
    for member in list(rest):
        if snake(member) in hints:
            value = rest.pop(member)
            is_date = dt.date in typing.get_args(hints[snake(member)])
            given[snake(member)] = dt.date.fromisoformat(value) if is_date else value
    if "body" in hints:
        given["body"] = read(hints["body"], rest)
    options = {
        "base_url": base_url,
        "headers": {"Accept": "application/json"},
        "httpx_args": {"trust_env": False},
    }
    client = AuthenticatedClient(token=call["token"], **options) if "token" in call else Client(**options)
    return module.sync_detailed(client=client, **given)


def main() -> None:
    told = json.load(sys.stdin)
    known = modules()
    results = []
    for call in told["calls"]:
        answer = made(known[snake(call["name"])], call, told["baseUrl"])
        parsed = answer.parsed
        content = parsed.to_dict() if hasattr(parsed, "to_dict") else parsed
        results.append({"status": answer.status_code, "kind": type(parsed).__name__, "content": content})
    print(json.dumps(results, default=str))


main()
