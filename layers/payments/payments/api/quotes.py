"""Price quotes: a buyer pays what the product's backend has signed, not what a browser says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import jwt

from payments.api.json_body import load_members
from payments.core.access import MIN_KEY_CHARACTERS
from payments.core.checkouts.rules import MAX_LIFE_SECONDS
from payments.core.errors import InvalidRequestError, NotAllowedError

MAX_QUOTE_SECONDS = 15 * 60  # seconds that a quote may have left
MAX_CLOCK_AHEAD_SECONDS = 60  # seconds that the product's backend's clock may be ahead of ours
MAX_QUOTE_CHARACTERS = 16 * 1024  # a quote may hold the whole metadata
MAX_JTI_CHARACTERS = 128
_NOT_OURS = "is not a quote of the product's backend"


@dataclass(frozen=True)
class Ticket:
    """A quote's `jti`: it opens one order. `expires_at` is the quote's end, in epoch seconds."""

    jti: str
    expires_at: int


@dataclass(frozen=True)
class Quote:
    """What a quote that was found good says besides the price; all None where there is none, or it says nothing."""

    ticket: Ticket | None = None
    claimed_until: object = None  # `checkoutUntil` as it is claimed

    def checkout_until(self, now: float) -> int | None:
        """Until when a checkout of this quote may be paid, in epoch seconds; None where it says nothing.

        Raises NotAllowedError for what is no such moment, or over seven days ahead.
        """
        until = self.claimed_until
        if until is None:
            return None
        if type(until) is not int or until > now + MAX_LIFE_SECONDS:
            raise _refused("has a checkoutUntil that is no whole number of seconds, or over seven days ahead")
        return until


def check(
    quote: object,
    *,
    keys: Sequence[str],
    sub: str,
    content_id: str,
    amount: int,
    metadata: Mapping[str, object] | None,
    order_fields: Mapping[str, object],
    now: float,
) -> Quote:
    """Raise NotAllowedError unless `quote` allows this buyer this content at this amount (fen), with this metadata.

    It is UnknownSignatureError where none of `keys` has signed it.

    A quote is a JWT, HS256 with any of `keys` (WECHAT_QUOTE_KEY and, while that changes, the previous one), with `sub`,
    `contentId`, `amount` (fen), `exp` and perhaps `nbf`, `metadata`, `orderFields`, `jti`, `checkoutUntil`; what else it claims is not looked at. With
    `metadata` it is good for exactly that; without, the buyer chose the metadata. Of its `jti`, if it has one, the
    caller sees to it that no other order was opened with that. What may change what is paid or settled, `order_fields`, the
    product chooses: it is what the quote's `orderFields` is, or there is none of it.
    Source: RFC 7519, read strictly (section 4: no claim twice).
    """
    if quote is None:
        raise _refused("is required for a buyer's own order")
    if not isinstance(quote, str) or not 1 <= len(quote) <= MAX_QUOTE_CHARACTERS:
        raise _refused(f"must be a JWT of at most {MAX_QUOTE_CHARACTERS} characters")
    if not keys or any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        raise _refused(
            f"cannot be checked: WECHAT_QUOTE_KEY is not set, or shorter than {MIN_KEY_CHARACTERS} characters"
        )
    claims = _signed_claims(quote, keys)
    expires = _in_time(claims["exp"], claims.get("nbf", 0), now)
    if claims["sub"] != sub or claims["contentId"] != content_id:
        raise _refused("is for another user or content")
    if type(claims["amount"]) is not int or claims["amount"] != amount:
        raise _refused("is for another amount")
    if "metadata" in claims and not _same(
        {} if (meant := claims["metadata"]) is None else meant, metadata or {}
    ):
        raise _refused("is for other metadata")
    bound = claims.get("orderFields")
    if bound is None and order_fields:
        raise _refused(f"has no orderFields, and {next(iter(order_fields))} is not a buyer's to choose")
    if bound is not None and not _same(bound, order_fields):
        raise _refused("is for other orderFields")
    ticket = _ticket(claims["jti"], expires) if "jti" in claims else None
    return Quote(ticket, claims.get("checkoutUntil"))


class UnknownSignatureError(NotAllowedError):
    """None of the keys has signed it, whatever it is."""


def used_for_another_order() -> NotAllowedError:
    """What is told to whoever opens a second order with one `jti`."""
    return _refused(
        "was used for another order: repeat the first request as it was sent, or sign a new quote"
    )


def _ticket(jti: object, expires: int) -> Ticket:
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI_CHARACTERS:
        raise _refused(f"must have a jti of 1 to {MAX_JTI_CHARACTERS} characters, or none")
    return Ticket(jti, expires)


def _same(one: object, other: object) -> bool:
    """Whether two JSON values are the same. Python's == takes true for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return _kind(one) is _kind(other) and one == other


def _kind(value: object) -> type:
    return Decimal if type(value) is int or isinstance(value, Decimal) else type(value)


def _signed_claims(quote: str, keys: Sequence[str]) -> dict[str, object]:
    payload = next((found for key in keys if (found := _payload(quote, key)) is not None), None)
    if payload is None:
        raise _refused(_NOT_OURS, UnknownSignatureError)
    try:
        claims = load_members(payload)
    except InvalidRequestError as problem:
        raise _refused(_NOT_OURS) from problem
    if missing := [name for name in ("sub", "contentId", "amount", "exp") if name not in claims]:
        raise _refused(f"has no {missing[0]}")
    return claims


def _payload(quote: str, key: str) -> bytes | None:
    try:
        # The signature alone; the claims are read as strictly as a request, and by the clock that all else goes by.
        payload: bytes = jwt.PyJWS().decode(quote, key, algorithms=["HS256"])
    except jwt.PyJWTError:
        return None
    return payload


def _in_time(expires: object, begins: object, now: float) -> int:
    if type(expires) is not int or expires <= now:
        raise _refused("has expired")
    if expires > now + MAX_QUOTE_SECONDS:
        raise _refused("must expire within 15 minutes")
    if type(begins) is not int or begins > now + MAX_CLOCK_AHEAD_SECONDS:
        raise _refused("is not valid yet")
    return expires


def _refused(issue: str, kind: type[NotAllowedError] = NotAllowedError) -> NotAllowedError:
    return kind(f"quote {issue}.", details={"field": "quote", "issue": issue})
