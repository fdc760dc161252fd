"""A sandbox, the tools that generate and build clients, and both of ours as they would be published: built and unpacked."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.building import run, unpacked
from tests.clients.caller import Caller
from tests.kit.npm import installed
from tests.kit.parameters import ROOT
from tests.kit.running import Running
from tests.kit.shop import Shop

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """TypeScript, openapi-typescript and a foreign library for webhooks, as clients/typescript pins them."""
    return installed(ROOT / "clients/typescript/package.json", "clients")


@pytest.fixture(scope="session")
def environment() -> Path:
    """.venv-clients."""
    folder = ROOT / os.environ.get("CLIENTS", ".venv-clients")
    assert (folder / ".ready").exists(), "`make clients` makes it"
    return folder


@pytest.fixture(scope="session")
def npm_package(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose node_modules has our package, from the file that would be published, beside the tools."""
    shop = tmp_path_factory.mktemp("typescript")
    unpacked(node_modules, shop)
    for tool in ("typescript", "@types", "undici-types"):
        (shop / "node_modules" / tool).symlink_to(node_modules / tool)
    return shop


@pytest.fixture(scope="session")
def wheel(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with what is in our wheel."""
    folder = tmp_path_factory.mktemp("python")
    source = folder / "source"
    shutil.copytree(ROOT / "clients/python", source, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    run([environment / "bin/python", "-m", "build", "--no-isolation", "--outdir", folder, source], folder)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="session")
def node(npm_package: Path) -> Caller:
    """Our npm package, called by a program."""
    shutil.copy(HERE / "call.mjs", npm_package)
    return Caller(["node", str(npm_package / "call.mjs")], {})


@pytest.fixture(scope="session")
def python(environment: Path, wheel: Path) -> Caller:
    """Our wheel, called by a program."""
    paths = os.pathsep.join([str(wheel), str(HERE)])
    return Caller([str(environment / "bin/python"), str(HERE / "call.py")], {"PYTHONPATH": paths})


@pytest.fixture(params=["node", "python"])
def client(request: pytest.FixtureRequest) -> Caller:
    """Each of our clients."""
    found: Caller = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    # The document's own examples are called; limits are about buyers.
    parameters = {"OpenOrders": "500", "CreatesPerMinute": "1000", "ReturnOrigins": "https://shop.example"}
    with Running(schedules=False, parameters=parameters) as running:
        yield running


@pytest.fixture
def shop(sandbox: Running) -> Iterator[Shop]:
    shop = Shop(sandbox)
    shop.faults()
    yield shop
    shop.faults()
