"""Tables in memory, and a wiring that works on them."""

from collections.abc import Iterator

import pytest

from payments.wiring import Wiring
from tests.kit.dynamodb import MemoryDynamoDB


@pytest.fixture
def db() -> Iterator[MemoryDynamoDB]:
    with MemoryDynamoDB.from_template() as tables:
        yield tables


@pytest.fixture
def wiring(db: MemoryDynamoDB) -> Wiring:
    return Wiring({**db.environment, "DUE_SHARDS": "4"})
