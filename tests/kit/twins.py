"""The same requests to the DynamoDB in memory and to others that nobody here wrote, and all their answers compared."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.kit.draws import Draws
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Request
from tests.kit.verbs import Verbs

LOOK = 50  # operations after which all items are compared

Outcome = tuple[str, Any]


@dataclass(frozen=True)
class Judge:
    """Another DynamoDB: `client` is botocore's.

    `words` puts a request so that this one understands it, without a change of its meaning; None where it cannot judge
    this one, which then must be refused. `tells_the_refused` is whether it knows ReturnValuesOnConditionCheckFailure,
    `trims_sums` whether it writes a sum of numbers without needless zeros, as DynamoDB does.
    """

    name: str
    client: Any
    words: Callable[[Request], Request | None] = lambda request: request
    tells_the_refused: bool = True
    trims_sums: bool = True


class Twins:
    """The same tables, `names` by logical id, in memory and in each judge's hands."""

    def __init__(self, db: MemoryDynamoDB, names: dict[str, str], judges: Sequence[Judge]) -> None:
        self.db = db
        self.names = names
        self._judges = judges
        self.compared: Counter[str] = Counter()

    def both(self, name: str, request: Request, run: Callable[[], Answer]) -> Answer:
        """One operation everywhere; the answer from memory, once all the others have said the same."""
        told: list[Answer] = []
        here, failure = _outcome(lambda: told.append(run()) or told[0])  # type: ignore[func-returns-value]
        # What an index leaves out at a limit, where keys are alike, is nobody's promise: all are asked for all of it.
        if name == "Query" and "IndexName" in request and "Limit" in request:
            request = {key: value for key, value in request.items() if key != "Limit"}
            here, _ = _outcome(lambda: self.db.call(name, request))
        for judge in self._judges:
            self._judged(judge, name, request, here)
        self.compared[f"{name} {here[0]}"] += 1
        if self.compared.total() % LOOK == 0:
            self.look()
        if failure is not None:
            raise failure
        return told[0]

    def _judged(self, judge: Judge, name: str, request: Request, here: Outcome) -> None:
        asked = judge.words(request)
        shown = (
            f"{name} {json.dumps(request, default=str, ensure_ascii=False)}\nmemory: {here}\n{judge.name}: "
        )
        if asked is None:
            assert here[0] != "done" or name in ("GetItem", "BatchGetItem", "Query", "Scan"), (
                f"{shown}was not asked"
            )
            return
        there, error = _outcome(lambda: judge.client._make_api_call(name, asked))
        if here[0] != "done" and not judge.tells_the_refused:
            here = (here[0], None)
        if not judge.trims_sums:
            there = _trimmed(there)
        assert _in_promised_order(here, request) == _in_promised_order(there, request), (
            f"{shown}{error or there}"
        )

    def operate(self, draws: Draws, steps: int) -> None:
        """So many drawn operations, then a look."""
        for _ in range(steps):
            name, request = draws.operation()
            with suppress(ClientError):
                self.both(name, request, lambda name=name, request=request: self.db.call(name, request))  # type: ignore[misc]
        self.look()

    def follow(self, verbs: Verbs, steps: int) -> None:
        """Verbs of the store until so many operations have been compared, then a look."""
        self.db.around = lambda operation, run: self.both(operation.name, operation.request, run)
        while self.compared.total() < steps:
            verbs.one()
        self.look()

    def look(self) -> None:
        """All items of all tables are the same."""
        for logical_id, name in self.names.items():
            here = sorted(map(_plain, self.db.items(logical_id)))
            for judge in self._judges:
                pages = judge.client.get_paginator("scan").paginate(TableName=name)
                there = [_plain(item) for page in pages for item in page["Items"]]
                there = sorted(there if judge.trims_sums else _trimmed(there))
                assert here == there, f"{logical_id}: memory and {judge.name}"

    @property
    def refused(self) -> int:
        """How many of the operations compared were refused."""
        return sum(count for what, count in self.compared.items() if not what.endswith(" done"))

    def __str__(self) -> str:
        judges = " and ".join(judge.name for judge in self._judges)
        kinds = ", ".join(f"{count} {what}" for what, count in sorted(self.compared.items()))
        return f"{self.compared.total()} steps, {self.refused} of them refused, alike in memory and {judges}: {kinds}"


def _in_promised_order(outcome: Outcome, request: Request) -> Outcome:
    """A scan has no order, and an index none but its range key's. The last key is named at every limit; by moto, before more."""
    what, answer = outcome
    if what != "done" or "Items" not in answer:
        return outcome
    told = {name: part for name, part in answer.items() if name != "LastEvaluatedKey"}
    if "IndexName" in request:
        told["due"] = [json.loads(item).get("due_at") for item in told["Items"]]
    if "IndexName" in request or "KeyConditionExpression" not in request:
        told["Items"] = sorted(told["Items"])
    return what, told


def _outcome(run: Callable[[], Answer]) -> tuple[Outcome, ClientError | None]:
    try:
        answer = run()
    except ClientError as refused:
        item = refused.response.get("Item")
        return (refused.response["Error"]["Code"], item and _plain(item)), refused
    told = {name: _told(name, part) for name, part in answer.items() if name not in _ASIDE}
    return ("done", {name: part for name, part in told.items() if (name, part) != ("Attributes", "{}")}), None


def moto(client: Any) -> Judge:
    """moto, which takes NULL for what is not there: what names it, DynamoDB refuses, and moto is not asked.

    It also writes 4.25 + 0.25 as 4.50.
    """

    def words(request: Request) -> Request | None:
        values = request.get("ExpressionAttributeValues", {}).values()
        return None if {"NULL": True} in values else request

    return Judge("moto", client, words, trims_sums=False)


_ASIDE = ("ResponseMetadata", "ConsumedCapacity")


def _told(name: str, part: Any) -> Any:
    if name == "Items":
        return [_plain(item) for item in part]
    if name == "Responses":  # of a batch, in no order
        return {table: sorted(map(_plain, items)) for table, items in part.items()}
    return _plain(part) if isinstance(part, dict) else part


def _trimmed(told: Any) -> Any:
    """The same with every number, in the texts of items, without needless zeros behind its point."""
    if isinstance(told, str):
        return re.sub(
            r'("N": "-?[0-9]+)(\.[0-9]*?)0+"', lambda each: f'{each[1]}{each[2].rstrip(".")}"', told
        )
    if isinstance(told, dict):
        return {name: _trimmed(part) for name, part in told.items()}
    return type(told)(map(_trimmed, told)) if isinstance(told, list | tuple) else told


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
