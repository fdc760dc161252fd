"""DynamoDB's operations on one table: each takes a request in DynamoDB's JSON, and tells its answer and what has changed."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tests.kit.conditions import Condition, condition
from tests.kit.expressions import Path, Placeholders, found
from tests.kit.tables import Item, Key, Schema, Table
from tests.kit.updates import update
from tests.kit.values import InvalidError, checked, ordered

Change = tuple[Item | None, Item | None]
Done = tuple[dict[str, Any], Change | None]


class RefusedError(Exception):
    """The request's condition did not hold; `item` is what is there, where the request asked to be told."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item


def get_item(table: Table, request: Mapping[str, Any]) -> Done:
    """GetItem: Item, unless there is none."""
    placeholders = _placeholders(request, _projection_used(request))
    item = table.items.get(table.key_of(request["Key"], alone=True))
    return ({} if item is None else {"Item": _shown(item, request, placeholders)}), None


def put_item(table: Table, request: Mapping[str, Any]) -> Done:
    """PutItem, under a condition if there is one."""
    test = _condition(request, "ConditionExpression")
    placeholders = _placeholders(request, test.used if test else frozenset())
    key = table.key_of(request["Item"], alone=False)
    new = {str(name): checked(value) for name, value in request["Item"].items()}
    _must_hold(test, table.items.get(key), placeholders, request)
    old = table.put(key, new)
    returned = _allowed(request, ("NONE", "ALL_OLD"))
    return ({"Attributes": old} if returned == "ALL_OLD" and old else {}), (old, new)


def delete_item(table: Table, request: Mapping[str, Any]) -> Done:
    """DeleteItem, under a condition if there is one; it is no error when there is nothing."""
    test = _condition(request, "ConditionExpression")
    placeholders = _placeholders(request, test.used if test else frozenset())
    key = table.key_of(request["Key"], alone=True)
    _must_hold(test, table.items.get(key), placeholders, request)
    old = table.put(key, None)
    returned = _allowed(request, ("NONE", "ALL_OLD"))
    return ({"Attributes": old} if returned == "ALL_OLD" and old else {}), (old, None)


def update_item(table: Table, request: Mapping[str, Any]) -> Done:
    """UpdateItem, under a condition if there is one; it makes an item of its key where there is none."""
    test = _condition(request, "ConditionExpression")
    change = update(request["UpdateExpression"]) if "UpdateExpression" in request else None
    used = (change.used if change else frozenset()) | (test.used if test else frozenset())
    placeholders = _placeholders(request, used)
    key = table.key_of(request["Key"], alone=True)
    old = table.items.get(key)
    _must_hold(test, old, placeholders, request)
    before = old or {name: checked(value) for name, value in request["Key"].items()}
    new, paths = change.applied(before, placeholders) if change else (dict(before), [])
    for path in paths:
        if path[0] in table.schema.names:
            raise InvalidError(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}."
                " This attribute is part of the key"
            )
    returned = _allowed(request, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))
    table.put(key, new)
    shown = {
        "NONE": dict,
        "ALL_OLD": lambda: old or {},
        "ALL_NEW": lambda: new,
        "UPDATED_OLD": lambda: _part(old or {}, paths),
        "UPDATED_NEW": lambda: _part(new, paths),
    }[returned]()
    return ({"Attributes": shown} if shown else {}), (old, new)


def query(table: Table, request: Mapping[str, Any]) -> Done:
    """Query of the table or of one of its indexes: Items in the order of the range key."""
    index = request.get("IndexName", "")
    if index and index not in table.indexes:
        raise InvalidError(f"The table does not have the specified index: {index}")
    if index and request.get("ConsistentRead"):
        raise InvalidError("Consistent reads are not supported on global secondary indexes")
    schema, rows = table.view(index)
    keyed = condition(request["KeyConditionExpression"], "KeyConditionExpression")
    wanted = _condition(request, "FilterExpression")
    used = keyed.used | (wanted.used if wanted else frozenset()) | _projection_used(request)
    placeholders = _placeholders(request, used)
    hash_value = _hash_value(request["KeyConditionExpression"], schema, placeholders)
    keys: list[Key] = [
        entry[1] for entry in rows.get(hash_value, ()) if keyed.holds(table.items[entry[1]], placeholders)
    ]
    if not request.get("ScanIndexForward", True):
        keys.reverse()
    return _page(table, schema, keys, request, wanted, placeholders), None


def scan(table: Table, request: Mapping[str, Any]) -> Done:
    """Scan of the table or of one of its indexes, in one segment."""
    index = request.get("IndexName", "")
    if index and index not in table.indexes:
        raise InvalidError(f"The table does not have the specified index: {index}")
    schema, rows = table.view(index)
    wanted = _condition(request, "FilterExpression")
    used = (wanted.used if wanted else frozenset()) | _projection_used(request)
    keys = [entry[1] for row in rows.values() for entry in row]
    return _page(table, schema, keys, request, wanted, _placeholders(request, used)), None


def batch_get_item(table: Table, request: Mapping[str, Any]) -> Done:
    """BatchGetItem of one table: the items that there are, in an order of its own, and nothing left unprocessed."""
    part = request["RequestItems"][table.name]
    placeholders = _placeholders(part, _projection_used(part))
    keys = [table.key_of(key, alone=True) for key in part["Keys"]]
    if not 1 <= len(keys) <= MAX_BATCH:
        raise InvalidError("Too many items requested for the BatchGetItem call")
    if len(set(keys)) < len(keys):
        raise InvalidError("Provided list of item keys contains duplicates")
    there = [_shown(table.items[key], part, placeholders) for key in sorted(keys) if key in table.items]
    return {"Responses": {table.name: there}, "UnprocessedKeys": {}}, None


MAX_BATCH = 100  # keys of one BatchGetItem
OPERATIONS: dict[str, Callable[[Table, Mapping[str, Any]], Done]] = {
    "GetItem": get_item,
    "BatchGetItem": batch_get_item,
    "PutItem": put_item,
    "DeleteItem": delete_item,
    "UpdateItem": update_item,
    "Query": query,
    "Scan": scan,
}


# ---- what the operations have in common ----


def _condition(request: Mapping[str, Any], parameter: str) -> Condition | None:
    return condition(request[parameter], parameter) if parameter in request else None


def _placeholders(request: Mapping[str, Any], used: AbstractSet[str]) -> Placeholders:
    """What the placeholders stand for. InvalidError for one that stands nowhere, or stands for nothing."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    if used != names.keys() | values.keys():
        for parameter, given in (("Names", names), ("Values", values)):
            if unused := given.keys() - used:
                raise InvalidError(
                    f"Value provided in ExpressionAttribute{parameter} unused in expressions:"
                    f" keys: {{{', '.join(sorted(unused))}}}"
                )
        kind = "UpdateExpression" if "UpdateExpression" in request else "ConditionExpression"
        missing = ", ".join(sorted(used - names.keys() - values.keys()))
        raise InvalidError(f"Invalid {kind}: An expression attribute is not defined; attribute: {missing}")
    return Placeholders(names, {name: checked(value) for name, value in values.items()})


def _must_hold(
    test: Condition | None, item: Item | None, placeholders: Placeholders, request: Mapping[str, Any]
) -> None:
    if test is not None and not test.holds(item or {}, placeholders):
        told = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        raise RefusedError(item if told else None)


def _allowed(request: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    returned: str = request.get("ReturnValues", "NONE")
    if returned not in allowed:
        raise InvalidError("Return values set to invalid value")
    return returned


def _part(item: Item, paths: Iterable[Path]) -> Item:
    """The item with nothing but these paths; of lists, the members that are there, moved up."""
    part: dict[str, Any] = {}
    for path in paths:
        value = found(item, path)
        if value is None:
            continue
        holder: Any = part
        for place, name in enumerate(path[:-1]):
            kind = "L" if isinstance(path[place + 1], int) else "M"
            holder = _entered(holder, name, kind)
        if isinstance(holder, list):
            holder.append(value)
        else:
            holder[path[-1]] = value
    return part


def _entered(holder: Any, name: str | int, kind: str) -> Any:
    empty: Any = [] if kind == "L" else {}
    if isinstance(holder, list):
        holder.append({kind: empty})
        return empty
    return holder.setdefault(name, {kind: empty})[kind]


def _projection_used(request: Mapping[str, Any]) -> frozenset[str]:
    text = request.get("ProjectionExpression", "")
    return frozenset(part for part in text.replace(".", ",").replace(" ", "").split(",") if part[:1] == "#")


def _shown(item: Item, request: Mapping[str, Any], placeholders: Placeholders) -> Item:
    if "ProjectionExpression" not in request:
        return item
    paths = [
        tuple(placeholders.names.get(name, name) for name in part.strip().split("."))
        for part in request["ProjectionExpression"].split(",")
    ]
    return _part(item, paths)


def _hash_value(text: str, schema: Schema, placeholders: Placeholders) -> Any:
    """The one value of the hash key that a query asks for."""
    name = schema.names[0]
    for left, right in _equations(text):
        if placeholders.names.get(left, left) == name and right in placeholders.values:
            value = placeholders.values[right]
            if schema.types[name] not in value:
                raise InvalidError(
                    "One or more parameter values were invalid: Condition parameter type does not match schema type"
                )
            return ordered(value)
    raise InvalidError(f"Query condition missed key schema element: {name}")


def _equations(text: str) -> list[tuple[str, str]]:
    words = text.replace("(", " ").replace(")", " ").replace("=", " = ").split()
    return [(words[at - 1], words[at + 1]) for at in range(1, len(words) - 1) if words[at] == "="]


def _page(
    table: Table,
    schema: Schema,
    keys: list[Key],
    request: Mapping[str, Any],
    wanted: Condition | None,
    placeholders: Placeholders,
) -> dict[str, Any]:
    start = request.get("ExclusiveStartKey")
    if start is not None:
        after = table.key_of({name: start[name] for name in table.schema.names}, alone=True)
        keys = keys[keys.index(after) + 1 :] if after in keys else []
    limit = request.get("Limit")
    page = keys if limit is None else keys[:limit]
    read = [table.projected(schema, table.items[key]) for key in page]
    kept = [item for item in read if wanted is None or wanted.holds(item, placeholders)]
    answer: dict[str, Any] = {"Count": len(kept), "ScannedCount": len(read)}
    if request.get("Select") != "COUNT":
        answer["Items"] = [_shown(item, request, placeholders) for item in kept]
    if limit is not None and len(page) == limit:
        last = table.items[page[-1]]
        answer["LastEvaluatedKey"] = {
            name: last[name] for name in dict.fromkeys(table.schema.names + schema.names)
        }
    return answer
