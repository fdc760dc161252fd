"""A sandbox, once for all tests here: what functions run in, and what they ask."""

import pytest

from sandbox.stack import Sandbox


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(schedules=False) as running:
        yield running
