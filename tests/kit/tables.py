"""One table and its indexes in memory, by the definition that CloudFormation gives it.

An item is never changed once it is in here: a write puts another one in its place. So whoever holds a snapshot or an old
image holds it for ever, and readers are given copies.
"""

import marshal
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import Any

from tests.kit.values import InvalidError, Value, checked, ordered

Item = dict[str, Value]
Key = tuple[Any, ...]
"""The key's values in the order of the key schema, as they are compared."""

_MAX_ITEM_BYTES = 400 * 1024  # bytes of an item
_ROOM = 300 * 1024  # below so many bytes in another writing, no item is too large
_EMPTY_KEY = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value."


class Schema:
    """A key schema: `names` are the hash key and, where there is one, the range key, with their types."""

    def __init__(self, definition: Mapping[str, Any], types: Mapping[str, str], index: str = "") -> None:
        keys = sorted(definition["KeySchema"], key=lambda each: each["KeyType"])  # HASH before RANGE
        self.index = index
        self.names: tuple[str, ...] = tuple(each["AttributeName"] for each in keys)
        self.types = {name: types[name] for name in self.names}
        self.everything = definition.get("Projection", {}).get("ProjectionType", "ALL") == "ALL"

    def key(self, item: Mapping[str, Value]) -> Key:
        """The key's values. All must be there."""
        return tuple(ordered(item[name]) for name in self.names)


class Table:
    """Items by key. Not for threads: the database lets one operation in at a time."""

    def __init__(self, name: str, definition: Mapping[str, Any]) -> None:
        self.name = name
        self.streamed = "StreamSpecification" in definition
        types = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}
        self.schema = Schema(definition, types)
        self.indexes = {
            index["IndexName"]: Schema(index, types, index["IndexName"])
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for index in definition.get(kind, ())
        }
        self.items: dict[Key, Item] = {}
        self._views: dict[str, dict[Any, list[Key]]] = {}

    # ---- reading ----

    def view(self, index: str = "") -> tuple[Schema, dict[Any, list[Key]]]:
        """An index, or the table itself: per value of its hash key the sorted range keys, each with the table's own key."""
        schema = self.indexes[index] if index else self.schema
        if index not in self._views:
            rows: dict[Any, list[Key]] = {}
            for key, item in self.items.items():
                if all(name in item for name in schema.names):
                    own = schema.key(item)
                    rows.setdefault(own[0], []).append((own[1:], key))
            for row in rows.values():
                row.sort()
            self._views[index] = rows
        return schema, self._views[index]

    def projected(self, schema: Schema, item: Item) -> Item:
        """What an index keeps of an item."""
        if schema.everything:
            return item
        return {name: item[name] for name in dict.fromkeys(schema.names + self.schema.names)}

    # ---- writing ----

    def key_of(self, given: Mapping[str, Any], *, alone: bool) -> Key:
        """The key in a request's Key, or (not `alone`) in its Item. InvalidError when it does not match the schema."""
        names = self.schema.names
        if alone and set(given) != set(names):
            raise InvalidError("The provided key element does not match the schema")
        for name in names:
            if name not in given:
                raise InvalidError(
                    f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
            if self.schema.types[name] not in given[name]:
                raise InvalidError(
                    "The provided key element does not match the schema"
                    if alone
                    else f"One or more parameter values were invalid: Type mismatch for key {name}"
                )
            if given[name] in ({"S": ""}, {"B": b""}):
                raise InvalidError(f"{_EMPTY_KEY} Key: {name}")
        return self.schema.key({name: checked(given[name]) for name in names})

    def put(self, key: Key, item: Item | None) -> Item | None:
        """Put an item in the place of the one that was there, which is returned; None deletes. InvalidError."""
        if item is not None:
            self._check(item)
        old = self.items.get(key)
        for index, rows in self._views.items():
            self._reindexed(self.indexes[index] if index else self.schema, rows, key, old, item)
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item
        return old

    def replace(self, items: dict[Key, Item]) -> None:
        """All items at once."""
        self.items = items
        self._views.clear()

    def _check(self, item: Item) -> None:
        for schema in self.indexes.values():
            for name, kind in schema.types.items():
                if name in item and kind not in item[name]:
                    raise InvalidError(
                        f"One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {kind}"
                        f" Actual: {next(iter(item[name]))} IndexName: {schema.index}"
                    )
                if name in item and item[name] in ({"S": ""}, {"B": b""}):
                    raise InvalidError(f"{_EMPTY_KEY} IndexName: {schema.index}, IndexKey: {name}")
        if len(marshal.dumps(item)) > _ROOM and _size(item) > _MAX_ITEM_BYTES:
            raise InvalidError("Item size has exceeded the maximum allowed size")

    @staticmethod
    def _reindexed(
        schema: Schema, rows: dict[Any, list[Key]], key: Key, old: Item | None, new: Item | None
    ) -> None:
        before, after = (
            schema.key(item) if item is not None and all(name in item for name in schema.names) else None
            for item in (old, new)
        )
        if before == after:
            return
        if before is not None:
            row = rows[before[0]]
            del row[bisect_left(row, (before[1:], key))]
            if not row:
                del rows[before[0]]
        if after is not None:
            insort(rows.setdefault(after[0], []), (after[1:], key))


def copied(value: Any) -> Any:
    """The same again, of which nobody else has a part."""
    return marshal.loads(marshal.dumps(value))


def _size(item: Item) -> int:
    return sum(_bytes(part) for part in _leaves(item))


def _bytes(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else 1


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"):
                yield name
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value
