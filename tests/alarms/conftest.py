"""One sandbox for all drills of a session."""

from collections.abc import Iterator

import pytest

from tests.alarms.world import World


@pytest.fixture(scope="session")
def shared_world() -> Iterator[World]:
    world = World()
    with world.sandbox:
        yield world


@pytest.fixture
def world(shared_world: World) -> World:
    """The same, with nothing measured yet."""
    shared_world.begin()
    return shared_world
