"""A sandbox, once for all tests here: what functions run in, and what they ask."""

import pytest

from tests.kit.running import Running


@pytest.fixture(scope="session")
def sandbox():
    with Running(schedules=False) as running:
        yield running
