"""The AWS services behind the shim: moto's applications, with a state of its own for each sandbox in a process."""

import importlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs import models as sqs_models
from moto.sts.models import sts_backends

from sandbox.aws.iam import statements_of
from sandbox.aws.moto_doors import WsgiApp, application
from sandbox.deployed import DeployedStack

SERVICES = ("dynamodb", "dynamodbstreams", "events", "iam", "kms", "logs", "secretsmanager", "sqs", "sts")
"""What every sandbox has: moto knows two hundred, and each costs start-up time. (kms: tables with encryption.)"""


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
        self._state: dict[str, dict[str, Any]] = {}
        with self._lock:
            for service in SERVICES:
                if service not in self._apps:
                    self._apps[service] = application(service)
            # The first stream record would import this, in the middle of somebody's request.
            importlib.import_module("moto.awslambda.utils")
            # Visibility timeouts, delays and retention of queues go by the sandbox's clock, which moto does not know.
            vars(sqs_models).update(unix_time=Engine._time, unix_time_millis=lambda: Engine._time() * 1000.0)

    def offer(self, service: str) -> None:
        """Have one service more, which not every template needs and which takes time to import."""
        with self._lock:
            if service not in self._apps:
                self._apps[service] = application(service)

    def __enter__(self) -> Self:
        """Put this sandbox's state in place, and keep everybody else out until the block ends."""
        self._lock.acquire()
        previous = Engine._current
        if previous is not self:
            for service in self._apps:
                backends = _backends(service)
                if previous is not None:
                    previous._state[service] = dict(dict.items(backends))
                dict.clear(backends)
                dict.update(backends, self._state.get(service, {}))
            Engine._current = self
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @classmethod
    def _time(cls) -> float:
        """What the sandbox whose turn it is takes for now."""
        return time.time() if cls._current is None else cls._current.now()

    def app(self, service: str) -> WsgiApp | None:
        """The application of a service, or None when the sandbox does not offer it."""
        return self._apps.get(service)

    def forget(self) -> None:
        """Drop all tables, secrets, roles and the like."""
        with self:
            for service in self._apps:
                dict.clear(_backends(service))

    # ---- what the shim must know; call these inside `with engine:` ----

    def session(self, access_key: str) -> tuple[str, str, str] | None:
        """(role ARN, assumed-role ARN, session token) of a key that STS handed out here, or None."""
        role = sts_backends[self.account]["aws"].get_assumed_role_from_access_key(access_key)
        return None if role is None else (role.role_arn, role.arn, role.session_token)

    def statements(self, role_arn: str) -> list[dict[str, Any]]:
        """Statements of a role's inline policies, as they are now."""
        role = iam_backends[self.account]["aws"].get_role_by_arn(role_arn)
        return [s for text in role.policies.values() for s in statements_of(json.loads(text))]

    def secret_arn(self, secret_id: str) -> str:
        """Full ARN of a secret given by name, full or partial ARN; of one that does not exist, the ARN asked for."""
        secret = secretsmanager_backends[self.account][self.region].secrets.get(secret_id)
        if secret is not None:
            return str(secret.arn)
        prefix = f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:"
        return secret_id if secret_id.startswith("arn:") else prefix + secret_id

    def follow_current(self, secret_id: str) -> None:
        """Make the version that now carries AWSCURRENT the one that is read and replaced: moto only moves the label."""
        secret = secretsmanager_backends[self.account][self.region].secrets[secret_id]
        versions = secret.versions.items()
        current = next(name for name, version in versions if "AWSCURRENT" in version["version_stages"])
        vars(secret)["default_version_id"] = current  # a replica, which has none of its own, is never written

    def hash_key(self, table: str) -> str | None:
        """Name of a table's partition key; None when there is no such table."""
        found = dynamodb_backends[self.account][self.region].tables.get(table)
        return None if found is None else str(found.hash_key_attr)


def _backends(service: str) -> dict[str, Any]:
    module = importlib.import_module(f"moto.{service}.models")
    backends: dict[str, Any] = getattr(module, f"{service}_backends")
    if service == "s3":  # who owns which bucket, all over the world: every sandbox is a world of its own
        backends.bucket_accounts.clear()  # type: ignore[attr-defined]
    return backends
