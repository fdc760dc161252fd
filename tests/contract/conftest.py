"""A sandbox for whoever tries the API by its document alone."""

from collections.abc import Iterator

import pytest

from sandbox.stack import Sandbox
from tests.contract.callers import RETURN_ORIGIN, Callers
from tests.kit.running import Running


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    # The limits are about buyers, not about the contract; they stand in the way of thousands of orders.
    generous = {"CreatesPerMinute": "100000", "OpenOrders": "500", "RefundsPerDay": "100000"}
    rates = dict.fromkeys(("RouteRate", "RouteBurst"), "100000")
    with Running(parameters=generous | rates | {"ReturnOrigins": RETURN_ORIGIN}, schedules=False) as running:
        running.warm()
        yield running


@pytest.fixture(scope="session")
def callers(sandbox: Sandbox) -> Iterator[Callers]:
    callers = Callers(sandbox)
    yield callers
    told = ", ".join(f"{count} times {status}" for status, count in sorted(callers.answers.items()))
    print(f"\n{callers.answers.total()} requests: {told}")  # `make api-fuzz` shows it
