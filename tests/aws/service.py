"""An AWS service at a port of this machine: it gives the answers that a test wrote down, in their order."""

import json
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable
from typing import Any, Self

Answer = Callable[[socket.socket], bool]
"""Says something to a connection; whether the connection is kept for a next request."""


class Service:
    """A context manager. Its `answers` are given in turn, and the last of them for ever.

    `asked` are the requests, `connections` counts who connected, `records` the parts that requests came in: over TLS, what
    was written at once. Whoever fails in the handshake has asked nothing.
    """

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self.records = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        for sock in (self._listening, *self._open):
            sock.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._listening.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            spoken = sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        self._open.append(spoken)
        with spoken:
            try:
                while (request := request_of(spoken, self._count)) and self._next(request)(spoken):
                    pass
            except OSError:
                return

    def _count(self) -> None:
        self.records += 1

    def _next(self, request: bytes) -> Answer:
        with self._lock:
            self.asked.append(request)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def request_of(sock: socket.socket, received: Callable[[], None] = lambda: None) -> bytes:
    """One whole request; empty when the other side has hung up. `received` hears of each part."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := sock.recv(65536)):
            return b""
        received()
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    while length and len(body) < int(length.group(1)) and (more := sock.recv(65536)):
        received()
        body += more
    return head + b"\r\n\r\n" + body


def saying(
    body: bytes | dict[str, Any],
    status: int = 200,
    *,
    checksum: int | None = None,
    kept: bool = True,
    kind: str = "application/x-amz-json-1.0",
) -> Answer:
    """This body, as DynamoDB sends it: with its CRC32, unless another `checksum` is given."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        "x-amzn-RequestId: REQUEST",
        f"x-amz-crc32: {zlib.crc32(content) if checksum is None else checksum}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
    ]

    def answer(sock: socket.socket) -> bool:
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        return kept

    return answer


def refusing(code: str, status: int = 400) -> Answer:
    """DynamoDB's refusal with this code."""
    return saying({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "No."}, status)


def hanging_up(sock: socket.socket) -> bool:
    """The connection is closed without one word."""
    return False


def silent(sock: socket.socket) -> bool:
    """Nothing is said, and the connection stays open until the other side is tired of it."""
    sock.recv(1)
    return False


def breaking_off(body: bytes) -> Answer:
    """The headers of an answer and half of its body."""

    def answer(sock: socket.socket) -> bool:
        head = f"HTTP/1.1 200 OK\r\nx-amz-crc32: {zlib.crc32(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body[: len(body) // 2])
        return False

    return answer
