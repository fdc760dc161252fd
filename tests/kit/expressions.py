"""DynamoDB's expressions as text: their tokens, document paths, placeholders, and what lies at a path of an item.

Source: Amazon DynamoDB Developer Guide, "Referring to item attributes when using expressions".
What is parsed is a function of an item and of what the placeholders stand for; it is kept by its text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.kit.values import InvalidError, Value

Item = Mapping[str, Value]
Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[-+=<>(),.\[\]])|([#:]?[A-Za-z0-9_]+))")
_MAX_BYTES = 4096  # bytes of an expression


@dataclass(frozen=True)
class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request: all that its expressions use."""

    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)


Operand = Callable[[Item, Placeholders], Value | None]


class Parser:
    """Reads one expression from left to right. `kind` is the parameter's name, for messages."""

    def __init__(self, text: str, kind: str) -> None:
        self.kind = kind
        self.used: set[str] = set()
        self._tokens = self._split(text)
        self._at = 0

    def _split(self, text: str) -> list[str]:
        if not text.strip():
            raise InvalidError(f"Invalid {self.kind}: The expression can not be empty;")
        if len(text.encode()) > _MAX_BYTES:
            raise InvalidError(f"Invalid {self.kind}: Expression size has exceeded the maximum allowed size;")
        tokens, end, text = [], 0, text.rstrip()
        while end < len(text):
            found = _TOKEN.match(text, end)
            if found is None:
                raise InvalidError(f'Invalid {self.kind}: Syntax error; token: "{text[end]}"')
            tokens.append(found[1] or found[2])
            end = found.end()
        return tokens

    # ---- tokens ----

    @property
    def next(self) -> str:
        """The token that comes next; empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """The next token, which is over then."""
        token = self.next
        self._at += 1
        return token

    def taken(self, token: str) -> bool:
        """Whether this one came next; then it is over. Keywords have no case."""
        found = self.next.upper() == token
        self._at += found
        return found

    def need(self, token: str) -> None:
        """This one must come next."""
        if not self.taken(token):
            raise self.wrong()

    def wrong(self) -> InvalidError:
        """What is next may not stand there."""
        shown = f'"{self.next}"' if self.next else "<EOF>"
        near = "".join(self._tokens[max(self._at - 1, 0) : self._at + 2])
        return InvalidError(f'Invalid {self.kind}: Syntax error; token: {shown}, near: "{near}"')

    def end(self) -> None:
        """Nothing may be left."""
        if self.next:
            raise self.wrong()

    @property
    def is_function(self) -> bool:
        """Whether a name with an opening parenthesis comes next."""
        return self._tokens[self._at + 1 : self._at + 2] == ["("] and self.next.isidentifier()

    # ---- paths and operands ----

    def path(self) -> Callable[[Placeholders], Path]:
        """A document path: names, placeholders of names, list indexes."""
        parts: list[str | int] = [self._name()]
        while True:
            if self.taken("."):
                parts.append(self._name())
            elif self.taken("["):
                index = self.take()
                if not index.isdigit():
                    raise self.wrong()
                parts.append(int(index))
                self.need("]")
            else:
                return self._resolved(tuple(parts))

    def _name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            self.used.add(token)
        elif not token or not (token[0].isalpha() or token[0] == "_"):
            self._at -= 1
            raise self.wrong()
        elif token.upper() in _reserved():
            raise InvalidError(
                f"Invalid {self.kind}: Attribute name is a reserved keyword; reserved keyword: {token}"
            )
        return token

    @staticmethod
    def _resolved(parts: Path) -> Callable[[Placeholders], Path]:
        def path(placeholders: Placeholders) -> Path:
            names = placeholders.names
            return tuple(names[p] if type(p) is str and p[0] == "#" else p for p in parts)

        return path

    def value(self) -> Operand:
        """A placeholder of a value."""
        token = self.take()
        self.used.add(token)
        return lambda _item, placeholders: placeholders.values[token]

    def attribute(self) -> Operand:
        """What lies at a path; None when nothing does."""
        path = self.path()
        return lambda item, placeholders: found(item, path(placeholders))


def found(item: Item, path: Path) -> Value | None:
    """What lies at this place of the item; None when nothing does."""
    value: Any = item.get(path[0])  # type: ignore[arg-type]
    for part in path[1:]:
        if value is None:
            return None
        if type(part) is int:
            members = value.get("L", ())
            value = members[part] if part < len(members) else None
        else:
            value = value.get("M", {}).get(part)
    return value


@cache
def _reserved() -> frozenset[str]:
    # AWS's own list; moto has a copy of it, which is wanted only where an expression names an attribute outright.
    from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

    return frozenset(ReservedKeywords.get_reserved_keywords())
