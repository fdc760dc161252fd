"""Sends requests over kept connections, one at a time on each, and looks at the status and length of every answer."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

CONNECTIONS = 16

_PATIENCE = 60  # seconds without any answer


class WrongAnswerError(Exception):
    """An answer that is no success, or that breaks off; the text is its beginning."""


def driven(url: str, requests: Sequence[bytes]) -> float:
    """Send all of them; the seconds from the first request to the last answer. Raises WrongAnswerError."""
    parts = urlsplit(url)
    waiting = iter(requests)
    connections = [_Connection(parts.hostname or "", parts.port or 80) for _ in range(CONNECTIONS)]
    try:
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            begun = time.monotonic()
            busy = sum(connection.asked(waiting) for connection in connections)
            while busy:
                ready = selector.select(_PATIENCE)
                if not ready:
                    raise WrongAnswerError(f"no answer within {_PATIENCE} s")
                for key, _ in ready:
                    if key.data.has_answered():
                        busy += key.data.asked(waiting) - 1
            return time.monotonic() - begun
    finally:
        for connection in connections:
            connection.socket.close()


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def asked(self, waiting: Iterator[bytes]) -> bool:
        """Send the next request, if there is one."""
        request = next(waiting, None)
        if request is not None:
            self.socket.sendall(request)
        return request is not None

    def has_answered(self) -> bool:
        """Read what has come; whether the answer is whole by that."""
        more = self.socket.recv(65536)
        self._received += more
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not more or (end and not head.startswith(b"HTTP/1.1 200 ")):
            raise WrongAnswerError(
                self._received[:2000].decode("utf-8", "replace") or "the connection was closed"
            )
        length = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length):
            return False
        self._received = b""
        return True
