"""Clients of the local AWS, by botocore: what they send is answered in this process, without a socket."""

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.in_process import WsgiApp, handed_to

_CONFIG = Config(
    proxies={}, retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=32
)


@cache
def _session() -> botocore.session.Session:
    """One for all clients of the process, for loading a service's description takes longest; no profile is read."""
    session = botocore.session.Session()
    for variable in ("config_file", "credentials_file"):
        session.set_config_variable(variable, os.devnull)
    return session


class Clients:
    """One client for each service and role, made when it is first asked for. Safe to share between threads."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._answer: Callable[..., AWSResponse | None] | None = None
        self._clients: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def have_answered_by(self, app: WsgiApp | None) -> None:
        """Have requests answered by this from now on; with None they go out, and whoever listens there says so."""
        self._answer = None if app is None else handed_to(app)

    def get(self, service: str, credentials: dict[str, str] | None, url: str, *, in_process: bool) -> Any:
        """A boto3 client for a service at `url`: with these environment variables of a role, or the sandbox's own key."""
        given = credentials or {}
        key = (service, url, in_process, given.get("AWS_ACCESS_KEY_ID"), given.get("AWS_SESSION_TOKEN"))
        with self._lock:
            if key not in self._clients:
                client = self._clients[key] = _session().create_client(
                    service,
                    region_name=self._region,
                    endpoint_url=url,
                    aws_access_key_id=given.get("AWS_ACCESS_KEY_ID", ADMIN_ACCESS_KEY),
                    aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY", "sandbox"),
                    aws_session_token=given.get("AWS_SESSION_TOKEN"),
                    config=_CONFIG,
                )
                if in_process:
                    client.meta.events.register("before-send", self._before_send)
            return self._clients[key]

    def _before_send(self, **sent: Any) -> AWSResponse | None:
        answer = self._answer
        return None if answer is None else answer(**sent)
