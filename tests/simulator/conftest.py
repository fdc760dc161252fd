"""A merchant, a simulator of its own or one for all, and the merchant's web server."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.simulator import Clock, Credentials, Simulator
from tests.simulator.merchant import Merchant, served
from tests.simulator.receiver import Received, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with taker.arrived:
                status = taker.statuses.pop(0) if len(taker.statuses) > 1 else taker.statuses[0]
                taker.received.append(Received(self.path, dict(self.headers), body))
                taker.arrived.notify_all()
            self.send_response(status)
            if taker.location:
                self.send_header("Location", taker.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taker = Receiver(f"http://127.0.0.1:{server.server_address[1]}/notify")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield taker
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def credentials() -> Credentials:
    return Credentials.create()


@pytest.fixture(scope="session")
def merchant_of(credentials: Credentials) -> Callable[[Simulator, Clock], Merchant]:
    return lambda simulator, clock: Merchant(simulator.url, credentials, clock)


@pytest.fixture(scope="session")
def shared_merchant(credentials: Credentials) -> Iterator[Merchant]:
    """For tests that leave the clock alone and do not count orders or notifications."""
    with served(credentials) as merchant:
        yield merchant


@pytest.fixture
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    """A merchant with a simulator and a clock of its own."""
    with served(credentials) as merchant:
        yield merchant


@pytest.fixture(scope="session")
def credentials_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("credentials") / "credentials.json"
    Credentials.load_or_create(path)
    return path
