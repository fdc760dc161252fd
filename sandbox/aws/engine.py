"""The AWS services behind the shim: moto's applications, with a state of its own for each sandbox in a process."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from sandbox.aws import moto_internals
from sandbox.aws.iam import statements_of
from sandbox.aws.in_process import WsgiApp
from sandbox.deployed import DeployedStack

SERVICES = ("dynamodb", "dynamodbstreams", "events", "iam", "kms", "logs", "secretsmanager", "sqs", "sts")
"""What every sandbox has: moto knows two hundred, and each costs start-up time. (kms: tables with encryption.)"""

_NAMES = {"monitoring": "cloudwatch"}
"""moto's name of a service whose requests are signed for another."""


class Engine:
    """moto for one account in one region. Everything here runs under one lock: moto is not safe between threads."""

    _lock = threading.RLock()  # of the whole process: moto keeps its state in module globals
    _current: "Engine | None" = None
    _apps: dict[str, WsgiApp] = {}  # noqa: RUF012  routing only, no state: shared by every sandbox of the process

    def __init__(self, region: str, account: str, now: Callable[[], float] = time.time) -> None:
        self.region = region
        self.account = account
        self.now = now
        self.stacks: dict[str, DeployedStack] = {}
        """What was deployed here, by name."""
        self._later: dict[str, list[Callable[[], object]]] = {}
        self._state: dict[str, dict[str, Any]] = {}
        with self._lock:
            for service in SERVICES:
                self.offer(service)
            moto_internals.load_stream_records()
            moto_internals.set_clock_of_queues(Engine._time)

    def offer(self, service: str) -> None:
        """Have one service more, which not every template needs and which takes time to import."""
        with self._lock:
            if service not in self._apps:
                self._apps[service] = moto_internals.application(service)

    def later(self, service: str, make: Callable[[], object]) -> None:
        """Have a service that few ask, and call `make`, before its first request is answered: until then it costs nothing."""
        self._later.setdefault(service, []).append(make)

    def __enter__(self) -> Self:
        """Put this sandbox's state in place, and keep everybody else out until the block ends."""
        self._lock.acquire()
        previous = Engine._current
        if previous is not self:
            for service in self._apps:
                before = moto_internals.exchange_state(service, self._state.get(service, {}))
                if previous is not None:
                    previous._state[service] = before
            Engine._current = self
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @classmethod
    def _time(cls) -> float:
        """What the sandbox whose turn it is takes for now."""
        return time.time() if cls._current is None else cls._current.now()

    def app(self, service: str) -> WsgiApp | None:
        """The application of a service, or None when the sandbox does not offer it. Call it inside `with engine:`."""
        service = _NAMES.get(service, service)
        if makes := self._later.pop(service, None):
            self.offer(service)
            for make in makes:
                make()
        return self._apps.get(service)

    def forget(self) -> None:
        """Drop all tables, secrets, roles and the like."""
        with self:
            for service in self._apps:
                moto_internals.exchange_state(service, {})

    # ---- what the shim must know; call these inside `with engine:` ----

    def session(self, access_key: str) -> tuple[str, str, str] | None:
        """(role ARN, assumed-role ARN, session token) of a key that STS handed out here, or None."""
        return moto_internals.assumed_role(self.account, access_key)

    def statements(self, role_arn: str) -> list[dict[str, Any]]:
        """Statements of a role's inline policies, as they are now."""
        policies = moto_internals.inline_policies(self.account, role_arn)
        return [statement for text in policies for statement in statements_of(json.loads(text))]

    def secret_arn(self, secret_id: str) -> str:
        """Full ARN of a secret given by name, full or partial ARN; of one that does not exist, the ARN asked for."""
        if arn := moto_internals.secret_arn(self.account, self.region, secret_id):
            return arn
        prefix = f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:"
        return secret_id if secret_id.startswith("arn:") else prefix + secret_id

    def follow_current(self, secret_id: str) -> None:
        """Make the version that now carries AWSCURRENT the one that is read and replaced."""
        moto_internals.follow_current(self.account, self.region, secret_id)

    def hash_key(self, table: str) -> str | None:
        """Name of a table's partition key; None when there is no such table."""
        found = moto_internals.table(self.account, self.region, table)
        return None if found is None else str(found.hash_key_attr)
