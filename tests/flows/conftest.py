"""The whole sandbox, and a shop that talks to it over HTTP."""

from collections.abc import Iterator

import pytest

from tests.kit.console import certified, console
from tests.kit.running import Running
from tests.kit.shop import Shop


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """Its office may refund as often as storms of three hundred rounds do; what the limit is has tests of its own."""
    with Running(parameters={"RefundsPerDay": "100000"}) as running:
        yield running


@pytest.fixture
def shop(sandbox: Running) -> Iterator[Shop]:
    shop = Shop(sandbox)
    shop.faults()
    yield shop
    shop.faults()


__all__ = ["certified", "console"]
