"""The way into moto: one WSGI application a service, without what its own server spends a third of the sandbox's time on."""

import base64
import importlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from moto.core import responses
from moto.core.request import Request
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Request(Request):
    from_wsgi_server = True  # whose answers get their date further out


def application(service: str) -> WsgiApp:
    """What answers requests to a service of moto. State and account are moto's matter, and so are its locks."""
    doors = set(importlib.import_module(f"moto.{service}.urls").url_paths.values())
    if len(doors) == 1:
        return _straight_to(doors.pop())
    # Several, by path: that is the routing of moto's server, which is a while in loading.
    server = importlib.import_module("moto.moto_server.werkzeug_app")
    app: WsgiApp = server.create_backend_app(service)
    return app


def _straight_to(dispatch: Callable[..., Any]) -> WsgiApp:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = _Request(environ)
        try:
            status, headers, body = dispatch(request, request.raw_url, request.headers)
        except HTTPException as refusal:  # an error of AWS's that moto meets before it serves
            return refusal.get_response(environ)(environ, start_response)
        return Response(body, status, headers)(environ, start_response)

    return app


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value as the wire has it; moto's own is that already, but for bytes."""
    ((kind, content),) = value.items()
    if kind == "M":
        content = {name: _plain(member) for name, member in content.items()}
    elif kind == "L":
        content = [_plain(member) for member in content]
    elif kind == "B":
        content = base64.b64encode(content).decode()
    elif kind == "BS":
        content = [base64.b64encode(member).decode() for member in content]
    return {kind: content}


_by_its_shape = BaseJSONSerializer._serialize_type_structure


def _structure(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and type(value) is dict:
        self._default_serialize(serialized, _plain(value), shape, key)
    else:
        _by_its_shape(self, serialized, value, shape, key)


# Of each attribute value moto would look for ten members, of which it has one, and each under a dozen spellings.
BaseJSONSerializer._serialize_type_structure = _structure  # type: ignore[method-assign]
# And of each request's class for its methods.
vars(responses)["method_names_from_class"] = cache(method_names_from_class)
