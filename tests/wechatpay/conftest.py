"""A server that does with each connection what a test says."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from tests.wechatpay.gateway import Answer, Server, request_of


@pytest.fixture
def server() -> Iterator[Server]:
    """Starts a server that reads each request and then does what the test says; gives its origin.

    With `tls` it speaks TLS; `heard` collects the requests.
    """
    listening: list[socket.socket] = []

    def start(answer: Answer, *, tls: ssl.SSLContext | None = None, heard: list[bytes] | None = None) -> str:
        sock = socket.create_server(("127.0.0.1", 0))
        listening.append(sock)

        def serve() -> None:
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), connection:
                    spoken = connection if tls is None else tls.wrap_socket(connection, server_side=True)
                    with spoken:
                        request = request_of(spoken)
                        if heard is not None:
                            heard.append(request)
                        answer(spoken)

        threading.Thread(target=serve, daemon=True).start()
        return f"{'http' if tls is None else 'https'}://127.0.0.1:{sock.getsockname()[1]}"

    yield start
    for sock in listening:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
