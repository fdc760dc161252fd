"""DynamoDB's update expressions: what an item becomes. Every action sees the item as it was before.

Source: Amazon DynamoDB Developer Guide, "Using update expressions in DynamoDB".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.kit.expressions import Item, Operand, Parser, Path, Placeholders, found
from tests.kit.values import SETS, InvalidError, Value, summed

_NO_PLACE = "The document path provided in the update expression is invalid for update"
_NOTHING_THERE = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"


@dataclass(frozen=True)
class Action:
    """One action: SET, REMOVE, ADD or DELETE, where, and with what."""

    verb: str
    path: Callable[[Placeholders], Path]
    operand: Operand | None = None


@dataclass(frozen=True)
class Update:
    """A parsed update expression, and the placeholders that stand in it."""

    actions: tuple[Action, ...]
    used: frozenset[str]

    def applied(self, item: Item, placeholders: Placeholders) -> tuple[dict[str, Value], list[Path]]:
        """A new item, which shares with the old one what has not changed, and the paths that were named."""
        paths = [action.path(placeholders) for action in self.actions]
        _apart(paths)
        steps = [
            (action.verb, path, action.operand and action.operand(item, placeholders))
            for action, path in zip(self.actions, paths, strict=True)
        ]
        new = dict(item)
        removals = []
        # Behind a list's end each index means "append", the smaller one first.
        for verb, path, value in sorted(steps, key=lambda step: _last_index(step[1])):
            if verb == "REMOVE":
                removals.append(path)
            else:
                _put(new, path, _VERBS[verb](found(item, path), value))
        # From the last index of a list to the first, so that each still means what it did before.
        for path in sorted(removals, key=_last_index, reverse=True):
            _remove(new, path, item)
        return {name: value for name, value in new.items() if value is not None}, paths


@cache
def update(text: str) -> Update:
    """The update that this text says. InvalidError where its grammar does not."""
    parser = _Updates(text, "UpdateExpression")
    actions: list[Action] = []
    seen: set[str] = set()
    while parser.next:
        verb = parser.take().upper()
        if verb not in _CLAUSES:
            raise InvalidError(f'Invalid UpdateExpression: Syntax error; token: "{verb}"')
        if verb in seen:
            raise InvalidError(
                f'Invalid UpdateExpression: The "{verb}" section can only be used once in an update expression;'
            )
        seen.add(verb)
        actions.append(_CLAUSES[verb](parser))
        while parser.taken(","):
            actions.append(_CLAUSES[verb](parser))
    return Update(tuple(actions), frozenset(parser.used))


class _Updates(Parser):
    """The right side of SET has sums and two functions."""

    def set(self) -> Action:
        """path = value"""
        path = self.path()
        self.need("=")
        return Action("SET", path, self._sum())

    def remove(self) -> Action:
        """path"""
        return Action("REMOVE", self.path())

    def add(self) -> Action:
        """path :value"""
        return Action("ADD", self.path(), self._only_value())

    def delete(self) -> Action:
        """path :value"""
        return Action("DELETE", self.path(), self._only_value())

    def _only_value(self) -> Operand:
        if not self.next.startswith(":"):
            raise self.wrong()
        return self.value()

    def _sum(self) -> Operand:
        left = self._operand()
        if self.next not in ("+", "-"):
            return left
        minus = self.take() == "-"
        right = self._operand()
        return lambda item, placeholders: summed(
            left(item, placeholders),  # type: ignore[arg-type]  # operands of updates are never None
            right(item, placeholders),  # type: ignore[arg-type]
            minus=minus,
        )

    def _operand(self) -> Operand:
        if self.next.startswith(":"):
            return self.value()
        if self.taken("("):
            inner = self._sum()
            self.need(")")
            return inner
        if not self.is_function:
            return _there(self.attribute())
        name = self.take()
        self.need("(")
        if name == "if_not_exists":
            first = self.attribute()
        elif name == "list_append":
            first = self._operand()
        else:
            raise InvalidError(f"Invalid UpdateExpression: Invalid function name; function: {name}")
        self.need(",")
        second = self._operand()
        self.need(")")
        return _if_not_exists(first, second) if name == "if_not_exists" else _list_append(first, second)


_CLAUSES: dict[str, Callable[[_Updates], Action]] = {
    "SET": _Updates.set,
    "REMOVE": _Updates.remove,
    "ADD": _Updates.add,
    "DELETE": _Updates.delete,
}


def _there(attribute: Operand) -> Operand:
    def value(item: Item, placeholders: Placeholders) -> Value:
        here = attribute(item, placeholders)
        if here is None:
            raise InvalidError(_NOTHING_THERE)
        return here

    return value


def _if_not_exists(attribute: Operand, otherwise: Operand) -> Operand:
    def value(item: Item, placeholders: Placeholders) -> Value | None:
        here = attribute(item, placeholders)
        return otherwise(item, placeholders) if here is None else here

    return value


def _list_append(first: Operand, second: Operand) -> Operand:
    def value(item: Item, placeholders: Placeholders) -> Value:
        one, other = first(item, placeholders), second(item, placeholders)
        if one is None or other is None or "L" not in one or "L" not in other:
            raise InvalidError(_WRONG_TYPE)
        return {"L": one["L"] + other["L"]}

    return value


# ---- what an action makes of what is there ----


def _set(_old: Value | None, value: Value | None) -> Value | None:
    return value


def _add(old: Value | None, value: Value | None) -> Value | None:
    assert value is not None
    ((kind, members),) = value.items()
    if kind == "N":
        return summed(old or {"N": "0"}, value)
    if kind not in SETS:
        raise InvalidError(
            f"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: {kind}"
        )
    if old is None:
        return value
    if kind not in old:
        raise InvalidError(_WRONG_TYPE)
    return {kind: old[kind] + [member for member in members if member not in old[kind]]}


def _delete(old: Value | None, value: Value | None) -> Value | None:
    assert value is not None
    ((kind, members),) = value.items()
    if kind not in SETS:
        raise InvalidError(
            f"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: {kind}"
        )
    if old is None:
        return None
    if kind not in old:
        raise InvalidError(_WRONG_TYPE)
    left = [member for member in old[kind] if member not in members]
    return {kind: left} if left else None


_VERBS = {"SET": _set, "ADD": _add, "DELETE": _delete}


# ---- places in an item ----


def _apart(paths: Sequence[Path]) -> None:
    """No action may be about a part of what another is about."""
    whole: set[Path] = set()
    parents: set[Path] = set()
    for path in paths:
        above = [path[:end] for end in range(1, len(path))]
        if path in whole or path in parents or not whole.isdisjoint(above):
            raise InvalidError(
                "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these"
                f" paths; path one: {list(path)}"
            )
        whole.add(path)
        parents.update(above)


def _last_index(path: Path) -> int:
    return path[-1] if isinstance(path[-1], int) else -1


def _put(item: dict[str, Any], path: Path, value: Value | None) -> None:
    """Put a value at a place of a copied item, copying what lies above it. None removes what is there."""
    if len(path) == 1:
        item[path[0]] = value  # type: ignore[index]  # a path begins with a name; None is dropped at the end
        return
    inner = _parent(item, path)
    last = path[-1]
    if value is None:
        if isinstance(inner, dict):
            inner.pop(last, None)
    elif isinstance(last, int) and last >= len(inner):
        inner.append(value)
    else:
        inner[last] = value


def _remove(item: dict[str, Any], path: Path, before: Item) -> None:
    if len(path) == 1:
        item.pop(path[0], None)  # type: ignore[arg-type]
        return
    inner, last = _parent(item, path), path[-1]
    if isinstance(last, int):
        if found(before, path) is not None:
            del inner[last]
    else:
        inner.pop(last, None)


def _parent(item: dict[str, Any], path: Path) -> Any:
    """The map's or list's members in which the path ends, fresh, with all that lies above fresh too."""
    holder: Any = item
    for place, part in enumerate(path[:-1]):
        value = holder.get(part) if isinstance(holder, dict) else _at(holder, part)
        kind = "L" if isinstance(path[place + 1], int) else "M"
        if value is None or kind not in value:
            raise InvalidError(_NO_PLACE)
        inner = value[kind].copy()
        holder[part] = {kind: inner}
        holder = inner
    return holder


def _at(members: Any, index: Any) -> Value | None:
    return members[index] if isinstance(index, int) and index < len(members) else None
