"""A `requests` session with one deadline for a whole answer, which reuses no connection that was idle for long.

An answer has one deadline from its first byte to its last, headers included: `requests` and http.client begin their
timeout anew with every packet, so a peer that drips header bytes, or answers "100 Continue" without end, could hold a
caller for hours.
"""

import errno
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wechatpay.tls import client_context

MAX_IDLE_SECONDS = 5.0  # seconds that a connection may have been idle and is used again; WeChat Pay closes it after about eight


class KeptConnectionLostError(Exception):
    """A connection that had been kept died before one byte of an answer: most likely its other end was gone already.

    The host's other kept connections are given up with it, so that the next request goes out on a new one.
    """


def session(clock: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None) -> requests.Session:
    """A session in which a read timeout is for the whole answer. Certificates are verified, redirects are the caller's.

    A connection that was idle for more than MAX_IDLE_SECONDS is not used again; `clock` gives epoch seconds. `tls` is
    what verifies servers, whatever `verify` of the session or of a request says: `client_context()` unless given.
    Raises KeptConnectionLostError besides what requests does.
    """
    made = _Session()
    # A .netrc or a proxy variable would replace the Authorization header or redirect signed requests.
    made.trust_env = False
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Adapter(clock, tls))
    return made


class _Session(requests.Session):
    """One that keeps nothing of what it was answered: no cookie goes back."""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """What the request says, and the session's headers and hooks. Looking for more is a tenth of a whole call."""
        request.headers = {**self.headers, **(request.headers or {})}
        for hook in self.hooks["response"]:
            request.register_hook("response", hook)  # type: ignore[no-untyped-call]
        return request.prepare()


class _NotAWordError(http.client.RemoteDisconnected):
    """The connection died before one byte of an answer."""


class _InTime(io.RawIOBase):
    """What a socket sends, until the timeout that it has now is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._bytes = sock.makefile("rb", buffering=0)  # keeps the socket open until the answer is read
        patience = sock.gettimeout()
        self._deadline = time.monotonic() + (float("inf") if patience is None else patience)
        self._heard = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What has arrived. Raises TimeoutError past the deadline, _NotAWordError where nothing ever comes."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left != float("inf"):
            self._socket.settimeout(left)
        try:
            count = self._bytes.readinto(buffer)
        except TimeoutError:
            raise
        except OSError as problem:
            if self._heard:
                raise
            raise _NotAWordError(str(problem)) from problem
        if not count and not self._heard:
            raise _NotAWordError("the connection was closed")
        self._heard = True
        return count

    def close(self) -> None:
        """Let go of the socket."""
        self._bytes.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_InTime(sock))


class _HttpConnection(HTTPConnection):
    response_class = _Answer
    idle_since = (0.0, 0.0)  # by the caller's clock and by the monotonic one

    def request(self, *given: Any, **named: Any) -> None:
        try:
            super().request(*given, **named)
        except OSError as problem:
            # After these two urllib3 goes on to what the other end may have said before it hung up.
            if isinstance(problem, TimeoutError) or problem.errno in (errno.EPIPE, errno.ECONNRESET):
                raise
            raise _NotAWordError(str(problem)) from problem


class _HttpsConnection(_HttpConnection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection

    def __init__(self, *given: Any, clock: Callable[[], float], **named: Any) -> None:
        super().__init__(*given, **named)
        self._clock = clock

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = self._clock(), time.monotonic()
        super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn: Any = super()._get_conn(timeout)
        since, monotonic = conn.idle_since
        # The monotonic clock stands still while a process is frozen between two calls; the other one may be set back.
        idle = self._clock() - since
        if idle < 0 or max(idle, time.monotonic() - monotonic) > MAX_IDLE_SECONDS:
            conn.close()  # it connects anew
        return conn

    def _make_request(self, conn: Any, *given: Any, **named: Any) -> Any:
        kept = not conn.is_closed
        try:
            return super()._make_request(conn, *given, **named)
        except _NotAWordError as problem:
            if not kept:
                raise
            self._give_up_idle()
            raise KeptConnectionLostError(str(problem)) from problem

    def _give_up_idle(self) -> None:
        if self.pool is not None:
            with self.pool.mutex:
                for conn in filter(None, self.pool.queue):
                    conn.close()  # each connects anew


class _HttpsPool(_HttpPool, HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection

    def __init__(self, *given: Any, tls: ssl.SSLContext | None, **named: Any) -> None:
        for verify in ("cert_reqs", "ca_certs", "ca_cert_dir"):  # the context's alone: it is everybody's
            named.pop(verify, None)
        super().__init__(*given, **named, ssl_context=tls or client_context())


class _Adapter(HTTPAdapter):
    def __init__(self, clock: Callable[[], float], tls: ssl.SSLContext | None) -> None:
        self._clock, self._tls = clock, tls
        super().__init__()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_HttpPool, clock=self._clock),
            "https": partial(_HttpsPool, clock=self._clock, tls=self._tls),
        }

    def cert_verify(self, *_: Any) -> None:
        """Nothing: requests would have each connection read the root certificates anew; the context has them."""
