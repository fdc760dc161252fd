"""A simulator that forgets, with its merchant."""

from collections.abc import Callable, Iterator

import pytest

from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials, Simulator


@pytest.fixture
def forgetful(credentials: Credentials) -> Iterator[Callable[[int], Merchant]]:
    """The merchant of a simulator that keeps so many orders."""
    started: list[Simulator] = []

    def merchant(keep_orders: int) -> Merchant:
        clock = Clock()
        simulator = Simulator(credentials, clock=clock, keep_orders=keep_orders)
        started.append(simulator)
        url = simulator.start()
        return Merchant(url, credentials, clock, open_platform_url=simulator.open_platform_url)

    yield merchant
    for simulator in started:
        simulator.stop()
