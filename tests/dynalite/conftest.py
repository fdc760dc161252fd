"""dynalite, a DynamoDB that neither we nor moto's authors wrote, with the template's tables; it needs node and npm."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dynalite.world import World
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.environment import local_aws
from tests.kit.npm import installed
from tests.kit.program import Program

HERE = Path(__file__).parent
TABLES = ("PaymentsTable", "CheckoutsTable", "ConnectionsTable", "BuyersTable", "QuarantineTable")
WORLDS = itertools.count(1)  # each test has tables of its own


@pytest.fixture(scope="session")
def dynalite() -> Iterator[str]:
    """Where it answers."""
    environment = os.environ | {"NODE_PATH": str(installed(HERE / "package.json", "dynalite"))}
    with Program(["node", HERE / "serve.js"], env=environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        port = serving.stdout.readline().strip()
        assert port.isdigit(), "dynalite did not start"
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def world(dynalite: str) -> Iterator[World]:
    stack = f"world{next(WORLDS)}"
    names = {name: f"{stack}-{name}" for name in TABLES}
    with local_aws() as aws, MemoryDynamoDB.from_template(names=names) as db:
        yield World(aws, dynalite, db, names)
