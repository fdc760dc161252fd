"""Cursors: where a list goes on. One fits the query that it was given for and no other.

It holds the place of an order that its caller has been shown, or could have been, and grants nothing: whoever makes one up gets
another part of their own list.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import asdict

from payments.core.books.order_query import OrderQuery, Position
from payments.core.errors import ParameterError

_QUERY_BYTES = 9
_POSITION = re.compile(r"([0-9]{10})#([0-9A-Za-z_\-|*]{0,32})")
_MAX_CHARACTERS = 128


def cursor_at(position: Position, query: OrderQuery) -> str:
    """The cursor that goes on after this place, as text for an address."""
    moment, number = position
    return base64.urlsafe_b64encode(_digest(query) + f"{moment:010}#{number}".encode()).rstrip(b"=").decode()


def position_in(cursor: str, query: OrderQuery) -> Position:
    """The place at which this query goes on. Raises ParameterError, also for a cursor of another query."""
    refused = ParameterError("cursor", "must be one that this list has given, for the same query")
    if not cursor.isascii() or len(cursor) > _MAX_CHARACTERS:
        raise refused
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = _POSITION.fullmatch(raw[_QUERY_BYTES:].decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        raise refused from None
    if found is None or raw[:_QUERY_BYTES] != _digest(query):
        raise refused
    return int(found[1]), found[2]


def _digest(query: OrderQuery) -> bytes:
    text = json.dumps(asdict(query), sort_keys=True)
    return hashlib.sha256(text.encode()).digest()[:_QUERY_BYTES]
