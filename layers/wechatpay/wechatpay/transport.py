"""HTTP whose patience ends: an answer has one deadline from its first byte to its last, headers included.

`requests` and http.client begin their timeout anew with every packet, so a peer that drips header bytes, or answers
"100 Continue" without end, could hold a caller for hours.
"""

import http.client
import io
import socket
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


def session() -> requests.Session:
    """A session in which a read timeout is for the whole answer. Certificates are verified, redirects are the caller's."""
    made = requests.Session()
    # A .netrc or a proxy variable would replace the Authorization header or redirect signed requests.
    made.trust_env = False
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Adapter())
    return made


class _InTime(io.RawIOBase):
    """What a socket sends, until the timeout that it has now is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._bytes = sock.makefile("rb", buffering=0)  # keeps the socket open until the answer is read
        patience = sock.gettimeout()
        self._deadline = time.monotonic() + (float("inf") if patience is None else patience)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What has arrived. Raises TimeoutError past the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left != float("inf"):
            self._socket.settimeout(left)
        return self._bytes.readinto(buffer)

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


class _HttpsConnection(HTTPSConnection):
    response_class = _Answer


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
