"""A way to WeChat Pay on which idle connections are dead: whoever uses one again after eight seconds gets no answer."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

MAX_IDLE_SECONDS = 8  # seconds that WeChat Pay keeps a connection on which nothing is said
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is gone at once


class IdleGateway:
    """Passes bytes on to `target`; `clock` tells how long a connection has been idle. The other end does not hear of its death."""

    def __init__(self, target: str, clock: Callable[[], float]) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._clock = clock
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.died = 0
        """Connections that somebody used when they were dead."""
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._connected, args=(near,), daemon=True).start()

    def _connected(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.create_connection(self._target) as far:
            threading.Thread(target=self._answers, args=(far, near), daemon=True).start()
            spoken = self._clock()
            while data := near.recv(65536):
                if self._clock() - spoken > MAX_IDLE_SECONDS:
                    self.died += 1
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                far.sendall(data)
                spoken = self._clock()

    @staticmethod
    def _answers(far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                near.sendall(data)
