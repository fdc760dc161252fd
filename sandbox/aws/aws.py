"""AWS on one machine: tables, secrets, events, roles and queues on a loopback port, with every role's policy enforced."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.aws.access_control import Credential, Use, authorize
from sandbox.aws.clients import Clients
from sandbox.aws.engine import Engine
from sandbox.aws.shim import Shim
from sandbox.deployed import DeployedStack

__all__ = ["Aws", "Use"]

log = logging.getLogger(__name__)

USES_KEPT = 200_000
"""How many recorded uses are kept, so that a sandbox may run for days."""


class _Handler(WSGIRequestHandler):
    """Quiet, and never held up by a client that connects and says nothing: there is only one thread."""

    timeout = 5  # seconds

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the functions' own logs tell what they called."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002  werkzeug's name
        """Into our log instead of werkzeug's coloured one."""
        log.debug(message, *args)


class Aws:
    """One account in one region. Nothing in here ever calls out to a network.

    Served by one thread over HTTP/1.0; clients of this process need no socket. One request is answered at a time, for
    moto's conditional writes are atomic only when nobody else runs.
    """

    def __init__(
        self,
        region: str = "us-east-1",
        account: str = "123456789012",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.region = region
        self.account = account
        self._now = now  # for the timeouts of queues
        self.url = ""
        self._engine: Engine | None = None
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._clients = Clients(region)
        self._lock = threading.Lock()
        self._uses: deque[Use] = deque(maxlen=USES_KEPT)
        self._events: list[dict[str, Any]] = []
        self._listeners: list[Callable[[list[dict[str, Any]]], None]] = []
        self._written = threading.Condition()
        self._writes: dict[str, int] = {}
        self._wakes = 0
        self.outages: set[str] = set()
        """Services (`secretsmanager`) that answer functions with 503 for as long as they are in here."""

    def start(self) -> None:
        """Serve on a free loopback port, empty; `url` is known and answers when this returns."""
        # Another account, deliveries over the network, a developer's profile: none has a say in here.
        for name in ("MOTO_ACCOUNT_ID", "MOTO_EVENTS_INVOKE_HTTP", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            os.environ.pop(name, None)
        self._engine = Engine(self.region, self.account, self._now)
        shim = Shim(self._engine, self)
        self._clients.have_answered_by(shim)
        self._server = make_server("127.0.0.1", 0, shim, threaded=False, request_handler=_Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="aws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Free the port and forget every table, secret and role; wakes whoever waits for a write."""
        if self._server is None or self._thread is None or self._engine is None:
            return
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
        self._clients.have_answered_by(None)
        self._engine.forget()
        self._server = None
        self.wake()

    def offer(self, service: str) -> None:
        """Have one service more than every sandbox has, before anybody calls it. Only while started."""
        self._running().offer(service)

    def later(self, service: str, make: Callable[[], object]) -> None:
        """Have a service that few ask, with what `make` puts into it, from its first request on. Only while started."""
        self._running().later(service, make)

    def describe(self, stack: DeployedStack) -> None:
        """Have CloudFormation tell of this stack from now on. Only while started."""
        with self._running() as engine:
            engine.stacks[stack.name] = stack

    def _running(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the local AWS is not started")
        return self._engine

    # ---- asking ----

    def client(
        self, service: str, credentials: dict[str, str] | None = None, *, endpoint: str | None = None
    ) -> Any:
        """A boto3 client, shared by all threads: the sandbox's own, or a role's with what `session_credentials` gave.

        `endpoint` is for a service that is served elsewhere.
        """
        return self._clients.get(service, credentials, endpoint or self.url, in_process=endpoint is None)

    def session_credentials(self, role_arn: str, session_name: str = "sandbox") -> dict[str, str]:
        """Environment variables of a process that runs as this role; Lambda's session name is the function's.

        Raises botocore's ClientError (NoSuchEntity) when there is no such role.
        """
        self.client("iam").get_role(RoleName=role_arn.rsplit("/", 1)[-1])
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def statements(self, role_arn: str) -> list[dict[str, Any]]:
        """The statements of a role's policies. Only while started."""
        with self._running() as engine:
            return engine.statements(role_arn)

    def authorize(self, authorization: str, token: str | None, target: str, body: Mapping[str, Any]) -> None:
        """Authorize a signed request to a service that is not served here; recorded as all others are.

        `target` is service.Operation. Raises access_control.RefusedError. Only while started.
        """
        with self._running() as engine:
            authorize(Credential.demanded(authorization), token, target, body, engine=engine, register=self)

    # ---- what happened ----

    @property
    def uses(self) -> list[Use]:
        """What roles asked for so far, in order; the sandbox's own calls are not among them."""
        with self._lock:
            return list(self._uses)

    def take_uses(self) -> list[Use]:
        """The same, and start over."""
        with self._lock:
            taken = list(self._uses)
            self._uses.clear()
            return taken

    @property
    def events(self) -> list[dict[str, Any]]:
        """What EventBridge took, in order: id, source, detail-type, detail, time (ISO 8601), bus (name), resources.

        `detail` is parsed, fractions as Decimal; `detail_text` is what was sent, to the letter.
        """
        with self._lock:
            return list(self._events)

    def on_events(self, call: Callable[[list[dict[str, Any]]], None]) -> None:
        """Have this called with what EventBridge takes from now on, before PutEvents is answered: it must be quick."""
        self._listeners.append(call)

    def writes(self, place: str) -> int:
        """How many requests have written to a table (its name) or queue (its ARN); counted before the answer goes out."""
        with self._written:
            return self._writes.get(place, 0)

    def wakes(self) -> int:
        """How often `wake` was called."""
        with self._written:
            return self._wakes

    def wait_for_write(self, place: str, seen: int, timeout: float, woken: int | None = None) -> int:
        """Wait until `writes(place)` exceeds `seen`, at most `timeout` seconds; returns the count.

        `wake` ends it too: one that comes from now on, or that came since `wakes` was `woken`.
        """
        with self._written:
            before = self._wakes if woken is None else woken
            self._written.wait_for(lambda: self._writes.get(place, 0) > seen or self._wakes > before, timeout)
            return self._writes.get(place, 0)

    def wake(self) -> None:
        """End every `wait_for_write` now."""
        with self._written:
            self._wakes += 1
            self._written.notify_all()

    # ---- the shim reports ----

    def used(self, uses: list[Use]) -> None:
        """Called by the shim: a role asked for these."""
        with self._lock:
            self._uses.extend(uses)

    def took(self, events: list[dict[str, Any]]) -> None:
        """Called by the shim: EventBridge accepted these."""
        with self._lock:
            self._events.extend(events)
        for call in self._listeners:
            call(events)

    def wrote(self, places: set[str]) -> None:
        """Called by the shim: a write to these tables and queues succeeded."""
        with self._written:
            for place in places:
                self._writes[place] = self._writes.get(place, 0) + 1
            self._written.notify_all()
