"""One ASGI application on a port, served by uvicorn in a thread of its own."""

import asyncio
import errno
import socket
import sys
import threading
import time
from ipaddress import ip_address
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT = "wechatpay_simulator.transport"  # in scope["extensions"]: the connection, for an application that breaks it


class PortError(OSError):
    """A port cannot be had; the sentence names it, the host, and the system's reason."""

    def __init__(self, reason: OSError, host: str, port: int) -> None:
        super().__init__(reason.errno, reason.strerror)
        self._place = f"port {port} of {host}"

    def __str__(self) -> str:
        return f"{self._place} cannot be had: {self.strerror}"


class Served:
    """Binds `host` at once (port 0 picks a free one), so that `url` is known before anything runs.

    `websockets` is uvicorn's protocol class for an application that has some. Raises PortError when the port is taken, or the
    host is not of this machine.
    """

    def __init__(
        self,
        app: Any,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        websockets: type[asyncio.Protocol] | None = None,
    ) -> None:
        self._socket, address = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{_called(address)}:{self.port}"
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,  # seconds: not cut just as a client on a busy machine uses it again
            ws=websockets or "none",
            ws_ping_interval=None,  # API Gateway sends none either: whoever says nothing for long is let go
            interface="asgi3",
            http=_Breakable,
            proxy_headers=False,  # who comes is who holds the connection, as API Gateway and WeChat Pay see it
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name=f"serve-{self.port}",
            daemon=True,
        )

    def start(self) -> None:
        """Start serving; returns when the port answers. Raises RuntimeError when the server dies at once."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the server on {self.url} did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        """End open connections within two seconds and free the port."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=20)  # a busy machine takes its time over those two seconds
        self._socket.close()


def _called(listening: str) -> str:
    """The address within a URL; of whoever listens everywhere, which is no address to call, this machine's own."""
    address = ip_address(listening)
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"[{address}]" if address.version == 6 else str(address)


def _bound(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and the address that `host` is."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, because asyncio switches Nagle's delay off only then: 40 ms for each answer.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise PortError(error, host, port) from None
    except UnicodeError:
        raise PortError(OSError(errno.EINVAL, "that is not the name of a host"), host, port) from None
    try:
        if sys.platform == "win32":  # where the other option would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise PortError(error, host, port) from None
    return listening, str(address[0])


class _Breakable(H11Protocol):
    """Hands the application its connection: ASGI itself has no way to end one without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        application = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: a client that offers HTTP/2, as the JDK's does each time, speaks HTTP/1.1 as well, and needs no package here."""
