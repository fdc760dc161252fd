"""The wire of the Lambda Runtime API: HTTP between one process's runtime client and its environment.

Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes". Each process gets a port of its
own, because that is the only thing by which two processes of one function can be told apart.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """What the runtime gets when it asks for the next invocation."""

    payload: bytes
    headers: dict[str, str]


class RuntimeApi:
    """Answers on `address` until closed.

    `next_event` blocks until there is an event and gives None when there will be none; the connection it is given
    tells whether the process still listens. `post` takes path and body, and says whether they make sense.
    """

    def __init__(
        self, next_event: Callable[[socket.socket], Event | None], post: Callable[[str, bytes], bool]
    ) -> None:
        self._next_event, self._post = next_event, post
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def close(self) -> None:
        """Take no more connections."""
        self._closed = True
        if self.thread.ident is None:
            self._listener.close()
            return
        # Wakes the accepting thread; closing a socket from another thread does not, everywhere.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()

    def _accept(self) -> None:
        with self._listener:
            while True:
                connection, _ = self._listener.accept()
                if self._closed:
                    connection.close()
                    return
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """HTTP/1.1 by hand: bodies by length, and every answer in one write, or a call waits 40 ms for an ACK."""
        # The process may be gone, or speak something else; its end is noticed elsewhere.
        with (
            contextlib.suppress(ConnectionError, ValueError),
            connection,
            connection.makefile("rb") as reader,
        ):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while line := reader.readline():
                method, path, _ = line.decode("ascii").split(" ", 2)
                length = 0
                while (header := reader.readline()).strip():
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                    elif name.lower() == b"expect":
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = reader.read(length)
                if method == "GET" and path.endswith("/runtime/invocation/next"):
                    event = self._next_event(connection)
                    if event is None:
                        return
                    connection.sendall(_http("200 OK", event.payload, event.headers))
                else:
                    status = "202 Accepted" if self._post(path, body) else "400 Bad Request"
                    connection.sendall(_http(status, b'{"status":"OK"}', {}))


def _http(status: str, body: bytes, headers: dict[str, str]) -> bytes:
    head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("ascii") + body
