"""The function `journal` in this process: tables in memory, a bucket that is a dict, and a stream that delivers as Lambda would."""

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

from botocore.exceptions import EndpointConnectionError

from payments.core.books.journal import Row, rows_of
from payments.storage.books.journal_item import row_of
from payments.storage.items import payment_of
from payments.storage.unpublished import Unpublished
from payments.wiring import Wiring
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run, time_out
from tests.kit.functions import function

Record = dict[str, Any]
Records = list[Record]


class KilledError(BaseException):
    """The process ends here: nobody handles it."""


class Bucket:
    """An S3 client of one bucket."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.closed = False

    def put_object(self, *, Key: str, Body: bytes, **_: str) -> None:  # noqa: N803  as S3 has them
        if self.closed:
            raise EndpointConnectionError(endpoint_url="https://s3.us-east-1.amazonaws.com/")
        self.kept[Key] = Body


class Stand:
    """`deliver` hands records over in batches until all are done, and repeats what fails as the mapping does."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        self.db = db
        self.bucket = Bucket()
        self.module: ModuleType = function("journal")
        wiring = Wiring(db.environment)
        wiring.unpublished = Unpublished(bucket="unpublished", client=self.bucket)
        self.module.wiring = wiring  # type: ignore[attr-defined]
        self.attempts = 0

    def invoke(self, records: Records) -> str | None:
        """The sequence number of the first record that has to come again, or None."""
        self.attempts += 1
        failures = self.module.lambda_handler({"Records": records}, None)["batchItemFailures"]
        return failures[0]["itemIdentifier"] if failures else None

    def deliver(self, records: Records, *, batch: Callable[[], int] = lambda: 100) -> None:
        """All of them, in order."""
        while records:
            some, numbers = records[: batch()], [each["dynamodb"]["SequenceNumber"] for each in records]
            try:
                first = self.invoke(some)
            except KilledError:
                continue  # the whole batch again
            done = len(some) if first is None else numbers.index(first)
            records = records[done:]

    def rows(self) -> dict[str, Row]:
        """What the journal shows."""
        found = {
            f"{item['day_shard']['S']} {item['row']['S']}": row_of(item)
            for item in self.db.items("JournalTable")
        }
        return {key: row for key, row in found.items() if row is not None}

    def expected(self) -> set[Row]:
        """What follows from the payments as they are."""
        return {row for item in self.db.items("PaymentsTable") for row in rows_of(payment_of(item))}


def failing(chance: random.Random, share: float) -> Callable[[Operation, Run], Answer]:
    """Of the writes of the journal this share goes wrong: not carried out, or carried out and not answered, or deadly."""

    def around(operation: Operation, run: Run) -> Answer:
        if operation.table != "JournalTable" or chance.random() >= share:
            return run()
        if chance.random() < 0.5:
            run()
        raise KilledError if chance.random() < 0.5 else time_out()

    return around


def killing(place: int, *, after: bool) -> Callable[[Operation, Run], Answer]:
    """The process dies once, before or after its so-manieth write of the journal."""
    left = [place]

    def around(operation: Operation, run: Run) -> Answer:
        if operation.table != "JournalTable":
            return run()
        left[0] -= 1
        if left[0] != -1:
            return run()
        if after:
            run()
        raise KilledError

    return around
