"""Price quotes: a buyer pays what the product's backend has signed, not what a browser says."""

from collections.abc import Sequence

from payments.errors import InvalidRequestError, NotAllowedError
from payments.loader import load_members

LONGEST = 15 * 60  # seconds that a quote may have left
AHEAD = 60  # seconds that the product's backend's clock may be ahead of ours
LARGEST = 4096  # characters
SHORTEST_KEY = 32  # characters; RFC 7518, section 3.2: an HS256 key has at least 256 bits


def check(quote: object, *, keys: Sequence[str], sub: str, content_id: str, amount: int, now: float) -> None:
    """Raise NotAllowedError unless `quote` allows this buyer this content at this amount (fen).

    A quote is a JWT, HS256 with any of `keys` (WECHAT_QUOTE_KEY and, while that changes, the previous one), with `sub`,
    `contentId`, `amount` (fen), `exp` and perhaps `nbf`; what else it claims is not looked at. Source: RFC 7519, read
    strictly (section 4: no claim twice).
    """
    if quote is None:
        raise _refused("is required for a buyer's own order")
    if not isinstance(quote, str) or not 1 <= len(quote) <= LARGEST:
        raise _refused(f"must be a JWT of at most {LARGEST} characters")
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise _refused(
            f"cannot be checked: WECHAT_QUOTE_KEY is not set, or shorter than {SHORTEST_KEY} characters"
        )
    claims = _signed_claims(quote, keys)
    _in_time(claims["exp"], claims.get("nbf", 0), now)
    if claims["sub"] != sub or claims["contentId"] != content_id:
        raise _refused("is for another user or content")
    if type(claims["amount"]) is not int or claims["amount"] != amount:
        raise _refused("is for another amount")


def _signed_claims(quote: str, keys: Sequence[str]) -> dict[str, object]:
    payload = next((found for key in keys if (found := _payload(quote, key)) is not None), None)
    try:
        claims = load_members(payload or b"")
    except InvalidRequestError as problem:
        raise _refused("is not a quote of the product's backend") from problem
    if missing := [name for name in ("sub", "contentId", "amount", "exp") if name not in claims]:
        raise _refused(f"has no {missing[0]}")
    return claims


def _payload(quote: str, key: str) -> bytes | None:
    import jwt  # noqa: PLC0415  a backend that needs no quote does not pay for it

    try:
        # The signature alone; the claims are read as strictly as a request, and by the clock that all else goes by.
        payload: bytes = jwt.PyJWS().decode(quote, key, algorithms=["HS256"])
    except jwt.PyJWTError:
        return None
    return payload


def _in_time(expires: object, begins: object, now: float) -> None:
    if type(expires) is not int or expires <= now:
        raise _refused("has expired")
    if expires > now + LONGEST:
        raise _refused("must expire within 15 minutes")
    if type(begins) is not int or begins > now + AHEAD:
        raise _refused("is not valid yet")


def _refused(issue: str) -> NotAllowedError:
    return NotAllowedError(f"quote {issue}.", details={"field": "quote", "issue": issue})
