"""Which tests stay together when several processes share the work (`make test`): those that share a sandbox."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
TOGETHER = {"http"}  # folders whose tests look at what the others of the folder left behind


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group a file, or a folder where its tests belong together."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0]
        name = folder if folder in TOGETHER else str(item.path.relative_to(ROOT))
        item.add_marker(pytest.mark.xdist_group(name))
