"""One sandbox with its pages."""

from collections.abc import Iterator

import pytest

from sandbox.stack import Sandbox
from tests.kit.running import Running
from tests.pages.browser import Browser


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Running() as sandbox:
        yield sandbox


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[Browser]:
    with Browser(sandbox.api) as browser:
        yield browser
