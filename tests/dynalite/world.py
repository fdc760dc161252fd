"""Tables in memory, in moto and in dynalite.

A world of its own because the same operations go to three databases side by side; nothing of the product runs but its store.
"""

from functools import partial
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.cloudformation.resources import table as create_table
from tests.dynalite.words import in_words_of_dynalite
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.twins import Judge, Twins, moto

DEFINED = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)


class World:
    """Tables in memory, in moto and in dynalite, and botocore's client of each of the two."""

    def __init__(self, aws: Aws, endpoint: str, db: MemoryDynamoDB, names: dict[str, str]) -> None:
        self.db, self.names = db, names
        self.moto: Any = aws.client("dynamodb")
        self.dynalite: Any = aws.client("dynamodb", endpoint=endpoint)
        for logical_id, name in names.items():
            definition = dict(db.definitions[logical_id])
            create_table(aws, name.partition("-")[0], logical_id, definition)
            wanted = {member: definition[member] for member in DEFINED if member in definition}
            self.dynalite.create_table(TableName=name, **wanted)

    @property
    def drawn_from(self) -> dict[str, str]:
        """The tables that Draws want."""
        return {"payments": self.names["PaymentsTable"], "connections": self.names["ConnectionsTable"]}

    def judged(self, *, by_moto: bool = True, empty_texts: bool = False) -> Twins:
        """What compares all three, or memory with dynalite alone; `empty_texts` says whether texts may be empty."""
        words = partial(in_words_of_dynalite, empty_texts=empty_texts)
        # It has no ReturnValuesOnConditionCheckFailure, which DynamoDB's API has had since 2023 (UpdateItem, PutItem …).
        second = Judge("dynalite", self.dynalite, words, tells_the_refused=False)
        return Twins(self.db, self.names, [moto(self.moto), second] if by_moto else [second])
