"""The query of GET …/orders: what it may ask for, of whom, and from where on."""

from collections.abc import Mapping
from typing import NamedTuple

from payments.api.books.cursors import position_in
from payments.api.books.queries import check_names
from payments.api.callers import Caller
from payments.api.http import Request
from payments.api.orders.texts import check_printable
from payments.core.access import PAY, READ
from payments.core.books.order_query import OrderQuery, Position
from payments.core.books.period import Period, day_number
from payments.core.errors import NotAllowedError, ParameterError
from payments.core.lifecycle import Status

NAMES = ("day", "from", "to", "status", "method", "userId", "contentId", "cursor", "limit")
METHODS = ("native", "jsapi", "app", "h5")
STATUSES = tuple(dict.fromkeys(status.word for status in Status))
MAX_DAYS = 92  # of everybody's orders in one list, without a user or content
MAX_LIMIT = 100  # orders of one page
USUAL_LIMIT = 50
MAX_ID_CHARACTERS = 255  # a `userId` may be a token's subject


class OrderListing(NamedTuple):
    """What to list, the place to go on from (None: the newest), and how many at most."""

    query: OrderQuery
    after: Position | None
    limit: int


def order_listing(request: Request) -> OrderListing:
    """What a caller may see of what they ask for. Raises ParameterError, NotAllowedError.

    Whoever reads sees everybody's orders; a buyer their own, whether they say so or not.
    """
    caller = request.caller.with_one_of(READ, PAY)
    asked = request.query
    check_names(request, NAMES)
    query = order_query(asked, user_id=_whose(caller, asked))
    cursor = asked.get("cursor")
    after = None if cursor is None else position_in(cursor, query)
    return OrderListing(query, after, _limit(asked))


def order_query(asked: Mapping[str, str], *, user_id: str | None) -> OrderQuery:
    """The orders asked for, of that user or of everybody. Raises ParameterError."""
    query = OrderQuery(
        period=period_of(asked),
        user_id=user_id,
        content_id=_id(asked, "contentId"),
        status=_one_of(asked, "status", STATUSES),
        method=_one_of(asked, "method", METHODS),
    )
    if query.user_id is None and query.content_id is None:
        if query.period is None:
            raise ParameterError("day", "is required, or from and to, userId or contentId")
        if len(query.period.days) > MAX_DAYS:
            raise ParameterError(
                "from", f"must not be over {MAX_DAYS} days up to `to`, without userId and contentId"
            )
    return query


def period_of(asked: Mapping[str, str]) -> Period | None:
    """The days asked for: `day`, or `from` and `to`; None for neither. Raises ParameterError."""
    if "day" in asked:
        for name in ("from", "to"):
            if name in asked:
                raise ParameterError(name, "must not stand beside day")
        day = day_in(asked, "day")
        return Period(day, day)
    if "from" not in asked and "to" not in asked:
        return None
    for name, other in (("from", "to"), ("to", "from")):
        if name not in asked:
            raise ParameterError(name, f"is required beside {other}")
    period = Period(day_in(asked, "from"), day_in(asked, "to"))
    if not period.days:
        raise ParameterError("to", "must not be before from")
    return period


def day_in(asked: Mapping[str, str], name: str) -> int:
    """The number of the day that one member names. Raises ParameterError."""
    try:
        return day_number(asked[name])
    except ValueError as problem:
        raise ParameterError(name, "must be a day like 2026-11-28 (Beijing's)") from problem


def _whose(caller: Caller, asked: Mapping[str, str]) -> str | None:
    user_id = _id(asked, "userId")
    if READ in caller.rights:
        return user_id
    if user_id not in (None, caller.sub):
        raise NotAllowedError(
            "userId must be the caller's own.",
            details={"field": "userId", "issue": "must be the caller's own"},
        )
    return caller.sub


def _id(asked: Mapping[str, str], name: str) -> str | None:
    value = asked.get(name)
    if value is None:
        return None
    if not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise ParameterError(name, f"must have 1 to {MAX_ID_CHARACTERS} characters")
    check_printable(name, value)
    return value


def _one_of(asked: Mapping[str, str], name: str, words: tuple[str, ...]) -> str | None:
    value = asked.get(name)
    if value is not None and value not in words:
        raise ParameterError(name, f"must be one of {', '.join(words)}")
    return value


def _limit(asked: Mapping[str, str]) -> int:
    text = asked.get("limit", str(USUAL_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterError("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)
