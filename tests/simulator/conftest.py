"""A merchant, a simulator of its own or one for all, and the merchant's web server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.keys import merchant as one_merchant
from tests.kit.serving import Answering, serving
from tests.simulator.merchant import Merchant, served
from tests.simulator.receiver import Received, Receiver
from wechatpay_simulator import Clock, Credentials, Simulator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(Answering):
        def do_POST(self) -> None:
            body = self.body()
            with taker.arrived:
                status = taker.statuses.pop(0) if len(taker.statuses) > 1 else taker.statuses[0]
                taker.received.append(Received(self.path, dict(self.headers), body))
                taker.arrived.notify_all()
            self.answer(status, headers={"location": taker.location} if taker.location else {})

    with serving(Handler) as origin:
        taker = Receiver(f"{origin}/notify")
        yield taker


@pytest.fixture(scope="session")
def credentials() -> Credentials:
    return one_merchant()


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
