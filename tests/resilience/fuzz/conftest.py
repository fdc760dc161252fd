"""One world for all tests here: its orders are put back after whatever is believed."""

from collections.abc import Iterator

import pytest

from tests.resilience.fuzz.world import World


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with World() as running:
        yield running
