"""What `make packages` has built, installed into empty environments far from this repository, and a simulator that runs from one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.parameters import ROOT
from tests.kit.program import Program
from tests.packages.installed import Installed


@pytest.fixture(scope="session")
def dist() -> Path:
    """The folder with wheels and sdists."""
    folder = ROOT / "dist"
    assert len(list(folder.glob("*.whl"))) == 2, "`make packages` builds them"
    return folder


@pytest.fixture(scope="session")
def simulator(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The simulator's wheel, alone."""
    (wheel,) = dist.glob("wechatpay_simulator-*.whl")
    return Installed.of(wheel, tmp_path_factory.mktemp("simulator"))


@pytest.fixture(scope="session")
def client(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The crypto layer's wheel, alone."""
    (wheel,) = dist.glob("wechatpay_apiv3_client-*.whl")
    return Installed.of(wheel, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def running(simulator: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the ready file says of a simulator that the console script has started, in a folder of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    words = [simulator.script("wechatpay-simulator"), "serve", "--credentials", "credentials.json"]
    with Program([*words, "--ready-file", "ready.json"], cwd=folder, env=simulator.environment) as process:
        ready = folder / "ready.json"
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < deadline, "it did not become ready"
            time.sleep(0.01)
        yield json.loads(ready.read_text(encoding="utf-8"))
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert not ready.exists()
