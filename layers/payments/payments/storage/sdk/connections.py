"""botocore's connections, which send a request's head and its body at once."""

from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)


class _AtOnce:
    """Of a connection: a body in bytes goes out with its head, as one write and one TLS record.

    So botocore means it, too; since urllib3 2 the body follows by itself. Whoever asks first whether to go on
    (Expect: 100-continue) is left alone.
    """

    _held: list[bytes] | None = None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **named: Any) -> None:
        whole = isinstance(body, bytes) and not named.get("chunked") and "Expect" not in (headers or {})
        if not whole:
            super().request(method, url, body, headers, **named)  # type: ignore[misc]  # the connection's
            return
        self._held = []
        try:
            super().request(method, url, body, headers, **named)  # type: ignore[misc]
            request = b"".join(self._held)
        finally:
            self._held = None
        self.send(request)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._held.append(data)


class _HttpConnection(_AtOnce, AWSHTTPConnection):  # type: ignore[misc]  # botocore has no types
    pass


class _HttpsConnection(_AtOnce, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class HttpPool(AWSHTTPConnectionPool):  # type: ignore[misc]
    """Connections to one host over HTTP."""

    ConnectionCls = _HttpConnection


class HttpsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    """Connections to one host over HTTPS."""

    ConnectionCls = _HttpsConnection
