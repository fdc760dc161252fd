"""The local AWS, one for each file of tests that asks for it, a clock for each test, and what each starts and must stop."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from tests.kit.environment import local_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running() -> Iterator[Callable[..., Any]]:
    """Starts a pump or a timer, unless it is told not to; stops it after the test."""
    given: list[Any] = []

    def run(pump: Any, *, started: bool = True) -> Any:
        given.append(pump)
        if started:
            pump.start()
        return pump

    yield run
    for pump in given:
        pump.stop()
