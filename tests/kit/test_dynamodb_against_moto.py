"""The DynamoDB in memory answers as moto does over HTTP: the store's own verbs, and drawn operations of every form.

`OPERATIONS=50000` for a long run, `SEED=` for another one. A failure names the operation, and what each of the two said.
`make judge` asks a third one besides.
"""

import os
from collections.abc import Iterator

import pytest

from sandbox.cloudformation.resources import table as create_table
from tests.kit.draws import Draws
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.environment import local_aws
from tests.kit.twins import Twins, moto
from tests.kit.verbs import Verbs

OPERATIONS = int(os.environ.get("OPERATIONS", "400"))
SEED = os.environ.get("SEED", "1")
STACK = "twins"


@pytest.fixture
def twins() -> Iterator[Twins]:
    names = {
        name: f"{STACK}-{name}"
        for name in ("PaymentsTable", "CheckoutsTable", "ConnectionsTable", "BuyersTable", "QuarantineTable")
    }
    with local_aws() as aws, MemoryDynamoDB.from_template(names=names) as db:
        for logical_id in names:
            create_table(aws, STACK, logical_id, dict(db.definitions[logical_id]))
        yield Twins(db, names, [moto(aws.client("dynamodb"))])


def test_drawn_operations_come_out_alike(twins: Twins) -> None:
    draws = Draws(SEED, payments=twins.names["PaymentsTable"], connections=twins.names["ConnectionsTable"])
    twins.operate(draws, OPERATIONS)
    print(twins)
    assert twins.compared["UpdateItem done"] > OPERATIONS / 10
    assert twins.compared["UpdateItem ConditionalCheckFailedException"] > OPERATIONS / 100
    assert twins.compared["UpdateItem ValidationException"] > OPERATIONS / 100


def test_the_verbs_of_the_store_come_out_alike(twins: Twins) -> None:
    verbs = Verbs(SEED, twins.db.environment)
    twins.follow(verbs, OPERATIONS)
    print(twins, verbs.outcomes)
    assert OPERATIONS < 20_000 or verbs.never_done == []
