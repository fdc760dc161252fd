"""A sandbox that no other test has left something in: the report tells of whatever waits for a person."""

from collections.abc import Iterator

import pytest

from tests.kit.running import Running


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with Running(schedules=False) as running:
        yield running
