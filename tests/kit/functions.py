"""The modules of functions/, loaded as a cold start would load them, and the events that they are called with."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.kit.parameters import ROOT


def function(name: str) -> ModuleType:
    """The module of functions/<name>, afresh."""
    return loaded(ROOT / "functions" / name / "app.py", f"{name}_app")


def loaded(path: Path, name: str) -> ModuleType:
    """The module in this file, afresh, as `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_event(token: str, body: dict[str, Any] | None, address: str) -> dict[str, Any]:
    """What API Gateway hands over of a request of a checkout's page, from a browser with this address."""
    return {
        "routeKey": "/checkout/{token}",
        "headers": {"content-type": "application/json", "accept": "application/json"},
        "body": None if body is None else json.dumps(body),
        "pathParameters": {"token": token},
        "requestContext": {"http": {"sourceIp": address}},
    }


def api_event(
    route: str, body: dict[str, Any] | None, *, number: str | None, key: str | None, sub: str, scope: str
) -> dict[str, Any]:
    """What API Gateway hands to a function: `number` is the path's, `sub` and `scope` are the verified token's."""
    return {
        "routeKey": route,
        "headers": {"content-type": "application/json"} | ({"idempotency-key": key} if key else {}),
        "body": None if body is None else json.dumps(body),
        "pathParameters": {"outTradeNo": number} if number else None,
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": sub, "scope": scope}}}},
    }
