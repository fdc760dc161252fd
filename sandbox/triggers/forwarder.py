"""Each event of the bus posted to a web server of this machine, signed as Standard Webhooks are."""

import contextlib
import logging
import socket
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.triggers.deliveries import Deliveries, Event
from sandbox.triggers.webhooks import body_of, headers_of, id_of, key_of

log = logging.getLogger(__name__)

WAITS = (2.0, 10.0, 60.0, 300.0, 1800.0)
"""Seconds between one attempt and the next, by the sandbox's clock."""
TIMEOUT_SECONDS = 10.0


class NotTakenError(Exception):
    """The receiver answered, and not with a 2xx."""


class EventForwarder(Deliveries):
    """One delivery at a time, begun in the order of the bus; only a 2xx takes it, and no redirect is followed.

    `url` is one that `loopback.receiver` lets pass, `secret` one of `webhooks.key_of`'s form; `timeout` in seconds.
    """

    # No library that reads proxies from the environment: they would take it elsewhere.

    def __init__(
        self, aws: Aws, clock: Clock, *, url: str, secret: str, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__("forward-events", aws, clock, waits=WAITS, at_once=1)
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._key, self._timeout = key_of(secret), timeout
        self._connection: HTTPConnection | None = None

    def stop(self) -> None:
        """End, without waiting for a receiver that takes its time."""
        self._stopping.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                connection.sock.shutdown(socket.SHUT_RDWR)
        super().stop()

    def _takes(self, event: Event) -> bool:  # noqa: ARG002
        return True

    def _hand_over(self, event: Event) -> None:
        body = body_of(event)
        # By this machine's time, wherever the sandbox's clock stands: a receiver refuses what is five minutes off its own.
        signed = headers_of(id_of(event), body, key=self._key, now=time.time())
        headers = {"content-type": "application/json", "user-agent": "wechatpay-sandbox", **signed}
        self._connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        with contextlib.closing(self._connection) as connection:
            connection.request("POST", self._target, body, {**headers, "connection": "close"})
            status = connection.getresponse().status  # the body is not read: nothing hangs on it
        if not 200 <= status < 300:
            raise NotTakenError(f"answered {status}")

    def _tell_failure(self, event: Event, fault: Exception, wait: float | None) -> None:
        reason = str(fault) if isinstance(fault, NotTakenError) else type(fault).__name__
        then = "given up" if wait is None else f"again in {wait:g} s"
        log.warning(
            "forward-events: %s %s was not taken (%s); %s", event["detail-type"], id_of(event), reason, then
        )
