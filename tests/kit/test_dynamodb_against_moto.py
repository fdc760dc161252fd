"""The DynamoDB in memory answers as moto does over HTTP: the store's own verbs, and drawn operations of every form.

`OPERATIONS=50000` for a long run, `SEED=` for another one. A failure names the operation, and what each of the two said.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Aws
from sandbox.resources import table as create_table
from tests.kit.draws import Draws
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Request, Run, time_out
from tests.kit.verbs import Verbs

OPERATIONS = int(os.environ.get("OPERATIONS", "400"))
SEED = os.environ.get("SEED", "1")
LOOK = 50  # operations after which all items are compared
STACK = "twins"


class Twins:
    """The same tables in memory and in moto."""

    def __init__(self, db: MemoryDynamoDB, aws: Aws, names: dict[str, str]) -> None:
        self.db = db
        self.names = names
        self._aws = aws
        self.compared: Counter[str] = Counter()

    def both(self, name: str, request: Request, run: "_Once") -> Answer:
        """One operation on both; the answer from memory, once moto has said the same."""
        here, failure = _outcome(run)
        # What an index leaves out at a limit, where keys are alike, is nobody's promise: both are asked for all of it.
        if name == "Query" and "IndexName" in request and "Limit" in request:
            request = {key: value for key, value in request.items() if key != "Limit"}
            here, _ = _outcome(lambda: self.db.call(name, request))
        there, _ = _outcome(lambda: self._aws.client("dynamodb")._make_api_call(name, request))
        if here[0] == there[0] == "done" and "Items" in here[1]:
            for _, answer in (here, there):
                _in_promised_order(answer, request)
        assert here == there, f"{name} {json.dumps(request, default=str)}\nmemory: {here}\nmoto: {there}"
        self.compared[f"{name} {here[0]}"] += 1
        if self.compared.total() % LOOK == 0:
            self.look()
        if failure is not None:
            raise failure
        return run.answer

    def look(self) -> None:
        """All items of all tables are the same."""
        for logical_id, name in self.names.items():
            here = sorted(map(_plain, self.db.items(logical_id)))
            pages = self._aws.client("dynamodb").get_paginator("scan").paginate(TableName=name)
            assert here == sorted(_plain(item) for page in pages for item in page["Items"]), logical_id

    def __str__(self) -> str:
        return f"{self.compared.total()} operations compared: {dict(sorted(self.compared.items()))}"


class _Once:
    """A call that keeps its answer."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self.answer: Answer = {}

    def __call__(self) -> Answer:
        self.answer = self._call()
        return self.answer


def _in_promised_order(answer: dict[str, Any], request: Request) -> None:
    """A scan has no order, and an index none but its range key's. The last key is named at every limit; by moto, before more."""
    answer.pop("LastEvaluatedKey", None)
    if "IndexName" in request:
        answer["due"] = [json.loads(item).get("due_at") for item in answer["Items"]]
    if "IndexName" in request or "KeyConditionExpression" not in request:
        answer["Items"].sort()


def _outcome(run: Callable[[], Answer]) -> tuple[tuple[str, Any], ClientError | None]:
    try:
        answer = run()
    except ClientError as refused:
        item = refused.response.get("Item")
        return (refused.response["Error"]["Code"], item and _plain(item)), refused
    return ("done", {name: _told(name, part) for name, part in answer.items() if name not in _ASIDE}), None


_ASIDE = ("ResponseMetadata", "ConsumedCapacity")


def _told(name: str, part: Any) -> Any:
    if name == "Items":
        return [_plain(item) for item in part]
    return _plain(part) if isinstance(part, dict) else part


def _plain(item: dict[str, Any]) -> str:
    """An item as text, sets in one order."""
    return json.dumps(_sorted(item), sort_keys=True, default=str)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(part) if name in ("SS", "NS") and isinstance(part, list) else _sorted(part)
            for name, part in value.items()
        }
    return [_sorted(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def twins() -> Iterator[Twins]:
    aws = Aws()
    aws.start()
    names = {
        name: f"{STACK}-{name}"
        for name in ("PaymentsTable", "ConnectionsTable", "BuyersTable", "QuarantineTable")
    }
    try:
        with MemoryDynamoDB.from_template(names=names) as db:
            for logical_id in names:
                create_table(aws, STACK, logical_id, db.definitions[logical_id])
            yield Twins(db, aws, names)
    finally:
        aws.stop()


def test_drawn_operations_come_out_alike(twins: Twins) -> None:
    draws = Draws(SEED, payments=twins.names["PaymentsTable"], connections=twins.names["ConnectionsTable"])
    for _ in range(OPERATIONS):
        name, request = draws.operation()
        run = _Once(lambda name=name, request=request: twins.db.call(name, request))
        try:
            twins.both(name, request, run)
        except ClientError:
            continue
    twins.look()
    print(twins)
    assert twins.compared["UpdateItem done"] > OPERATIONS / 10
    assert twins.compared["UpdateItem ConditionalCheckFailedException"] > OPERATIONS / 100
    assert twins.compared["UpdateItem ValidationException"] > OPERATIONS / 100


def test_the_verbs_of_the_store_come_out_alike(twins: Twins) -> None:
    def around(operation: Operation, run: Run) -> Answer:
        # moto takes NULL for what is not there, and DynamoDB does not.
        if {"NULL": True} in operation.request.get("ExpressionAttributeValues", {}).values():
            raise time_out()
        return twins.both(operation.name, operation.request, _Once(run))

    twins.db.around = around
    verbs = Verbs(SEED, twins.db.environment)
    while twins.compared.total() < OPERATIONS:
        verbs.one()
    twins.look()
    print(twins, verbs.outcomes)
    assert OPERATIONS < 20_000 or verbs.never_done == []
