"""The door in front of moto: who asks, may they, what did they use; and what moto lacks of AWS's own rules."""

import io
import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol
from xml.sax.saxutils import escape

from sandbox.aws import stacks
from sandbox.aws.access_control import ADMIN_ACCESS_KEY, Credential, RefusedError, Use, authorize
from sandbox.aws.engine import Engine
from sandbox.aws.expressions import unused_placeholders
from sandbox.aws.in_process import WsgiApp
from sandbox.aws.presigned import opened
from sandbox.aws.rest import s3_operation

log = logging.getLogger(__name__)

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_SENDS = {"SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"}
_ACCOUNT_SETTINGS = "/2016-08-19/account-settings"
_MAX_BODY_BYTES = 20 * 1024 * 1024  # DynamoDB takes 16 MB


class Recorder(Protocol):
    """Where the shim reports what happened, before the answer goes out."""

    outages: set[str]
    """Services that answer nobody but the sandbox itself."""

    def used(self, uses: list[Use]) -> None:
        """A role asked for these."""

    def took(self, events: list[dict[str, Any]]) -> None:
        """EventBridge accepted these."""

    def wrote(self, places: set[str]) -> None:
        """A write to these tables (by name) or queues (by ARN) succeeded."""


class Shim:
    """WSGI application. Refusals are JSON as of AWS's JSON protocols, XML for the others (sts, iam, s3)."""

    def __init__(self, engine: Engine, recorder: Recorder) -> None:
        self._engine = engine
        self._recorder = recorder

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        protocol = "json" if "HTTP_X_AMZ_TARGET" in environ else "query"
        if _service(environ) == "s3":
            protocol = "s3"
        try:
            signed = opened(environ)
            protocol = "s3" if signed else protocol
            with self._engine:
                return self._answer(environ, signed, start_response)
        except RefusedError as refusal:
            status, body = refusal.status, _error(refusal, protocol)
            status = 403 if protocol == "s3" else status  # a HEAD request's only answer
        except Exception:
            log.exception(
                "the local AWS failed on %s", environ.get("HTTP_X_AMZ_TARGET", environ.get("PATH_INFO"))
            )
            status = 500
            body = _error(RefusedError("InternalFailure", "the sandbox failed"), protocol)
        kind = "application/x-amz-json-1.0" if protocol == "json" else "text/xml"
        start_response(f"{status} Refused", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(
        self, environ: dict[str, Any], signed: dict[str, str], start_response: Any
    ) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > _MAX_BODY_BYTES:
            raise RefusedError("RequestEntityTooLarge", "the request is too large", 413)
        raw = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(raw)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._engine.account

        said = environ | signed
        credential = Credential.demanded(said.get("HTTP_AUTHORIZATION", ""))
        service = credential.service
        prefix, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if prefix.startswith("DynamoDBStreams"):
            service = "dynamodbstreams"
        body = _object(raw) if prefix else {}
        if service == "s3":
            operation, body = s3_operation(
                environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
            )
        elif service == "lambda" and environ["PATH_INFO"].rstrip("/") == _ACCOUNT_SETTINGS:
            operation = "GetAccountSettings"
        elif not prefix:  # the query protocol of iam and sts
            action = re.search(rb"(?:^|&)Action=([A-Za-z]+)", raw)
            operation = action[1].decode() if action else ""
        app = self._app(service, operation)
        if app is None:
            raise RefusedError("UnknownOperationException", f"the sandbox has no {service}")

        token = said.get("HTTP_X_AMZ_SECURITY_TOKEN")
        target = f"{service}.{operation}"
        if service in self._recorder.outages and credential.access_key != ADMIN_ACCESS_KEY:
            raise RefusedError("ServiceUnavailableException", "an outage, made on purpose", 503)
        authorize(credential, token, target, body, engine=self._engine, register=self._recorder)
        if service == "dynamodb" and (fault := unused_placeholders(operation, body)):
            raise RefusedError("ValidationException", fault)
        if target == "sqs.ReceiveMessage":  # a long poll would hold up everybody else
            raw = json.dumps({**body, "WaitTimeSeconds": 0}).encode()
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(raw), str(len(raw))
        return self._forward(app, environ, start_response, target, body)

    def _app(self, service: str, operation: str) -> WsgiApp | None:
        """What answers this: moto, but for the few things that the sandbox knows itself."""
        if service == "cloudformation":
            return stacks.application(self._engine.stacks)
        if operation == "GetAccountSettings":
            return _account_settings
        if (service, operation) == ("events", "PutTargets"):  # nobody would serve them
            told = "the sandbox hands events to its template's targets alone (docs/events.md)"
            raise RefusedError("ValidationException", told)
        return self._engine.app(service)

    def _forward(
        self, app: Any, environ: dict[str, Any], start_response: Any, target: str, body: dict[str, Any]
    ) -> Iterable[bytes]:
        seen: list[Any] = []

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:  # noqa: ARG001
            seen[:] = [status, headers]

        result = app(environ, started)
        answer = b"".join(result)
        if hasattr(result, "close"):
            result.close()
        status, headers = seen
        if status.startswith("2"):
            service, _, operation = target.partition(".")
            if service == "dynamodb" and operation in _WRITES:
                self._recorder.wrote(_tables(operation, body))
            elif service == "sqs" and operation in _SENDS:
                queue = body["QueueUrl"].rsplit("/", 1)[-1]
                self._recorder.wrote({f"arn:aws:sqs:{self._engine.region}:{self._engine.account}:{queue}"})
            elif target == "secretsmanager.UpdateSecretVersionStage":
                self._engine.follow_current(body["SecretId"])
            elif target == "events.PutEvents":
                self._recorder.took(_accepted(body, json.loads(answer)))
        start_response(status, headers)
        return [answer]


def _account_settings(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """What Lambda says of an account that has asked for nothing but age: the ordinary limit, and nothing reserved."""
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"AccountLimit": limit, "AccountUsage": {}}).encode()]


def _service(environ: Mapping[str, Any]) -> str:
    """The service that a request is signed for."""
    found = Credential.of(environ.get("HTTP_AUTHORIZATION", ""))
    return "" if found is None else found.service


def _error(refusal: RefusedError, protocol: str) -> bytes:
    if protocol == "json":
        return json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    code = refusal.code.replace("AccessDeniedException", "AccessDenied")  # the query protocol's name of it
    error = f"<Error><Code>{code}</Code><Message>{escape(refusal.message)}</Message></Error>"
    return (error if protocol == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError("SerializationException", "the request body is not a JSON object")
    return body


def _tables(operation: str, body: Mapping[str, Any]) -> set[str]:
    if operation == "BatchWriteItem":
        names = list(body["RequestItems"])
    elif operation == "TransactWriteItems":
        names = [part["TableName"] for item in body["TransactItems"] for part in item.values()]
    else:
        names = [body["TableName"]]
    return {name.rsplit("/", 1)[-1] for name in names}


def _accepted(body: Mapping[str, Any], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a PutEvents request that got an id."""
    return [
        {
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"], parse_float=Decimal),
            "detail_text": entry["Detail"],
            "time": _iso(entry.get("Time")),
            "bus": (entry.get("EventBusName") or "default").rsplit("/", 1)[-1],
            "id": result["EventId"],
            "resources": entry.get("Resources", []),
        }
        for entry, result in zip(body["Entries"], answer["Entries"], strict=True)
        if "EventId" in result
    ]


def _iso(moment: float | None) -> str:
    at = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
