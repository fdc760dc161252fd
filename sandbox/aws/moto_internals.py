"""All that the sandbox takes of moto without moto's promise: its ways in, where its state is, what is replaced in it.

moto promises decorators and a server of its own; the sandbox needs neither. Nothing else in here, and next to nothing in the
tests, imports moto. tests/sandbox/test_moto_internals.py says by name what is gone when another version of moto has less.
"""

import base64
import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from moto.core import responses
from moto.core.request import Request
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs import models as sqs_models
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from sandbox.aws.in_process import WsgiApp

# ---- the ways in: moto's own server spends a third of the sandbox's time on what nobody needs here ----


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


# ---- where its state is: moto has one for the process, and a process may have several sandboxes ----


def exchange_state(service: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Put this state of a service (by account) in the place of another, which is returned."""
    backends = getattr(importlib.import_module(f"moto.{service}.models"), f"{service}_backends")
    before = dict(
        dict.items(backends)
    )  # dict's own methods: those of its class lock, and make what is not there
    dict.clear(backends)
    dict.update(backends, state)
    if service == "s3":  # who owns which bucket, all over the world: every sandbox is a world of its own
        backends.bucket_accounts.clear()
    return before


def load_stream_records() -> None:
    """Load what the first stream record would load in the middle of somebody's request."""
    importlib.import_module("moto.awslambda.utils")


# ---- what moto tells nobody over HTTP, or not without a request that would have to be authorized in turn ----


def assumed_role(account: str, access_key: str) -> tuple[str, str, str] | None:
    """(role ARN, assumed-role ARN, session token) of a key that STS handed out, or None."""
    role = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    return None if role is None else (role.role_arn, role.arn, role.session_token)


def inline_policies(account: str, role_arn: str) -> list[str]:
    """A role's inline policies, as JSON."""
    return list(iam_backends[account]["aws"].get_role_by_arn(role_arn).policies.values())


def secret_arn(account: str, region: str, secret_id: str) -> str | None:
    """Full ARN of a secret given by name, full or partial ARN; None when there is none."""
    secret = secretsmanager_backends[account][region].secrets.get(secret_id)
    return None if secret is None else str(secret.arn)


def table(account: str, region: str, name: str) -> Any:
    """A table with its `hash_key_attr` and `stream_shard` (whose `items` tests read), or None when there is none."""
    return dynamodb_backends[account][region].tables.get(name)


# ---- what moto does otherwise than AWS ----


def follow_current(account: str, region: str, secret_id: str) -> None:
    """Make the version that now carries AWSCURRENT the one that is read and replaced: moto only moves the label."""
    secret = secretsmanager_backends[account][region].secrets[secret_id]
    versions = secret.versions.items()
    current = next(name for name, version in versions if "AWSCURRENT" in version["version_stages"])
    vars(secret)["default_version_id"] = current  # a replica, which has none of its own, is never written


def set_clock_of_queues(now: Callable[[], float]) -> None:
    """Have visibility timeouts, delays and retention of queues go by `now`, seconds since the epoch: moto knows real time only."""
    vars(sqs_models).update(unix_time=now, unix_time_millis=lambda: now() * 1000.0)


# ---- what moto does slowly ----


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
