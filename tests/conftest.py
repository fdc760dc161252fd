"""Which tests `make test` runs, which of them stay together when several processes share the work, and a wait."""

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent

# A full collection over a million rows, records and answers stops a sandbox for longer than the second that its functions
# wait for their table. Young garbage is collected as ever.
gc.set_threshold(100_000, 50, 100)

# Functions that run in the tests' own process wait as long for their table as those of a sandbox do.
os.environ.setdefault("AWS_TIMEOUT_SECONDS", "5")

TOGETHER = {"http"}  # folders whose tests look at what the others of the folder left behind

ALONE = {
    "browser",
    "drills",
    "dynalite",
}  # folders with more needs than the suite: they run when they are named


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a folder of ALONE unless it, or something in it, was asked for."""
    folder = ROOT / collection_path.relative_to(ROOT).parts[0] if collection_path != ROOT else ROOT
    if folder.name not in ALONE:
        return None
    named = (config.invocation_params.dir / argument.partition("::")[0] for argument in config.args)
    return None if any(path.resolve().is_relative_to(folder) for path in named) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group a file, or a folder where its tests belong together."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0]
        name = folder if folder in TOGETHER else str(item.path.relative_to(ROOT))
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Fails unless the condition comes true within five seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "did not come true within five seconds"
            time.sleep(0.005)

    return wait
