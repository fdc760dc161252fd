"""One world for all runs of a session."""

from collections.abc import Iterator

import pytest

from tests.resilience.crash.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """AWS and the simulator; per module, because it takes the process's AWS variables and its sockets."""
    with World() as world:
        yield world
