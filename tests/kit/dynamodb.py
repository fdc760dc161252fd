"""A DynamoDB in this process, behind pynamodb: the store's own code with its own expressions, thousands of times a second.

    with MemoryDynamoDB.from_template() as db:
        wiring = Wiring({**db.environment, "DUE_SHARDS": "4", …})   # any number of them; all see the same tables
        wiring.store.create(payment, due_at=…)                      # real pynamodb, real expressions, no socket
        db.items("PaymentsTable")                                   # copies of all items, in DynamoDB's JSON
        moment = db.snapshot(); …; db.restore(moment)               # the tables of an earlier moment

- `db.environment` names the tables, as the template gives them to functions (PAYMENTS_TABLE …).
- `db.around = f` has every operation pass `f(operation, run)`, which returns what `run()` returns: for faults. It may run
  it never (die before, a time-out without effect), once and then raise (die after, a time-out with effect), or twice (the
  SDK repeats what was lost). `time_out()` is what botocore raises when nobody answers.
- `db.records` are the stream's records since the last `db.records.clear()`, as Lambda hands them over: of tables that have
  a stream, no record where nothing has changed.
- `db.call("GetItem", {…})` is an operation from outside of the product, in DynamoDB's JSON; `around` does not see it.

What is replaced is the one point where pynamodb hands over to botocore, `Connection.client`. Semantics are those of the
Developer Guide and are held against moto by test_dynamodb_against_moto.py. Secondary indexes never lag. Items whose
time is over (TTL) stay. Batches are served of one table, and never leave a key out; transactions and batches of writes
are not served: asking for one fails.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.connection.base import Connection

from sandbox.cloudformation.template import transformed
from tests.kit.operations import OPERATIONS, RefusedError
from tests.kit.parameters import TEMPLATE
from tests.kit.tables import Item, Table, copied
from tests.kit.values import InvalidError

Request = dict[str, Any]
Answer = dict[str, Any]
Run = Callable[[], Answer]


@dataclass(frozen=True)
class Operation:
    """One operation under way: GetItem, UpdateItem …, of which table (its logical id), with what request."""

    name: str
    table: str
    request: Request

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.name in ("PutItem", "UpdateItem", "DeleteItem")


@dataclass(frozen=True)
class Snapshot:
    """The tables of one moment."""

    items: Mapping[str, dict[Any, Item]]


class MemoryDynamoDB:
    """A context manager: inside, every pynamodb model of this process works on these tables.

    `tables` are CloudFormation's properties by logical id; `names` the tables' names, the logical ids unless given;
    `now` stamps the stream's records, in epoch seconds. Any number of threads; one operation at a time.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        *,
        names: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        named = names or {}
        self._tables = {
            logical_id: Table(named.get(logical_id, logical_id), t) for logical_id, t in tables.items()
        }
        self.definitions = dict(tables)
        self._by_name = {table.name: (logical_id, table) for logical_id, table in self._tables.items()}
        self.environment = dict(environment or {})
        self.around: Callable[[Operation, Run], Answer] | None = None
        self.records: list[dict[str, Any]] = []
        self.operations = 0
        """How many operations have been carried out."""
        self._now = now
        self._lock = threading.RLock()
        self._sequence = itertools.count(1)
        self._client = _Client(self)
        self._before: list[Any] = []

    @classmethod
    def from_template(
        cls,
        path: Path = TEMPLATE,
        *,
        names: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> Self:
        """The template's tables; `names` by logical id, where they are to have others than those."""
        resources = transformed(path)["Resources"]
        tables = {
            # A condition of the template's, and nothing that a table in memory could be protected by.
            logical_id: resource["Properties"] | {"DeletionProtectionEnabled": False}
            for logical_id, resource in resources.items()
            if resource["Type"] == "AWS::DynamoDB::Table"
        }
        named: Mapping[str, str] = names or {}
        environment = {
            variable: named.get(table, table)
            for resource in resources.values()
            if resource["Type"] == "AWS::Lambda::Function"
            for variable, value in resource["Properties"].get("Environment", {}).get("Variables", {}).items()
            if isinstance(value, dict) and (table := str(value.get("Ref"))) in tables
        }
        return cls(tables, names=names, environment=environment, now=now)

    def __enter__(self) -> Self:
        self._before.append(Connection.__dict__["client"])
        Connection.client = property(lambda _connection: self._client)  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Connection.client = self._before.pop()  # type: ignore[method-assign]

    # ---- from outside of the product ----

    def call(self, name: str, request: Mapping[str, Any]) -> Answer:
        """One operation, which `around` does not see. Raises botocore's ClientError."""
        return self._carried_out(Operation(name, self._logical_id(name, request), dict(request)))

    def items(self, table: str) -> list[Item]:
        """Copies of all items of a table (its logical id)."""
        with self._lock:
            return copied(list(self._tables[table].items.values()))

    def earliest(self, table: str, index: str) -> Any:
        """The smallest range key in an index of a table, over all its hash keys; None when the index is empty."""
        with self._lock:
            _, rows = self._tables[table].view(index)
            return min((row[0][0][0] for row in rows.values()), default=None)

    def clear(self) -> None:
        """Every table is empty; the stream says nothing of it."""
        with self._lock:
            for table in self._tables.values():
                table.replace({})

    def snapshot(self, tables: Iterable[str] | None = None) -> Snapshot:
        """These tables (logical ids), or all, as they are now."""
        with self._lock:
            return Snapshot({name: dict(self._tables[name].items) for name in tables or self._tables})

    def restore(self, moment: Snapshot) -> None:
        """The tables of that moment, as often as wanted. The stream says nothing of it: a restored table is a new one."""
        with self._lock:
            for name, items in moment.items.items():
                self._tables[name].replace(dict(items))

    # ---- from pynamodb ----

    def handed_over(self, name: str, request: Request) -> Answer:
        """What botocore's client would do."""
        operation = Operation(name, self._logical_id(name, request), request)
        if self.around is None:
            return self._carried_out(operation)
        return self.around(operation, lambda: self._carried_out(operation))

    def _logical_id(self, operation: str, request: Mapping[str, Any]) -> str:
        if operation not in OPERATIONS:
            raise NotImplementedError(f"{operation} is not served from memory")
        name = request["TableName"] if "TableName" in request else "".join(request["RequestItems"])
        found = self._by_name.get(name)
        if found is None:
            raise _error("ResourceNotFoundException", "Requested resource not found", operation)
        return found[0]

    def _carried_out(self, operation: Operation) -> Answer:
        table = self._tables[operation.table]
        with self._lock:
            self.operations += 1
            try:
                answer, change = OPERATIONS[operation.name](table, operation.request)
            except InvalidError as invalid:
                raise _error("ValidationException", str(invalid), operation.name) from None
            except RefusedError as refused:
                message = "The conditional request failed"
                raise _error(
                    "ConditionalCheckFailedException", message, operation.name, refused.item
                ) from None
            if change is not None and table.streamed and change[0] != change[1]:
                self.records.append(self._record(table, *change))
        answer = copied(answer)
        answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "RetryAttempts": 0, "HTTPHeaders": {}}
        return answer

    def _record(self, table: Table, old: Item | None, new: Item | None) -> dict[str, Any]:
        number = f"{next(self._sequence):021d}"
        kind = "INSERT" if old is None else "MODIFY" if new is not None else "REMOVE"
        keys = {name: (new or old or {})[name] for name in table.schema.names}
        images = {"Keys": keys} | ({"NewImage": new} if new else {}) | ({"OldImage": old} if old else {})
        return {
            "eventID": number,
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": int(self._now()),
                **copied(images),
                "SequenceNumber": number,
                "SizeBytes": 0,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table.name}/stream/memory",
        }


class _Client:
    """What pynamodb asks of botocore's client."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        self._db = db

    def _make_api_call(self, operation: str, request: Request) -> Answer:
        return self._db.handed_over(operation, request)


def time_out() -> ReadTimeoutError:
    """What botocore raises when DynamoDB has not answered, after its own repetitions."""
    return ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com/")


def _error(code: str, message: str, operation: str, item: Item | None = None) -> ClientError:
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0, "HTTPHeaders": {}},
    }
    if item is not None:
        response["Item"] = copied(item)
    return ClientError(response, operation)
