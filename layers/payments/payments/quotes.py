"""Price quotes: a buyer pays what the product's backend has signed, not what a browser says."""

from payments.errors import NotAllowedError

LONGEST = 15 * 60  # seconds that a quote may have left
LARGEST = 4096  # characters
SHORTEST_KEY = 32  # characters; RFC 7518, section 3.2: an HS256 key has at least 256 bits


def check(quote: object, *, key: str | None, sub: str, content_id: str, amount: int, now: float) -> None:
    """Raise NotAllowedError unless `quote` allows this buyer this content at this amount (fen).

    A quote is a JWT, HS256 with WECHAT_QUOTE_KEY, with `sub`, `contentId`, `amount` (fen) and `exp`.
    """
    if quote is None:
        raise _refused("is required for a buyer's own order")
    if not isinstance(quote, str) or not 1 <= len(quote) <= LARGEST:
        raise _refused(f"must be a JWT of at most {LARGEST} characters")
    if not key or len(key) < SHORTEST_KEY:
        raise _refused(
            f"cannot be checked: WECHAT_QUOTE_KEY is not set, or shorter than {SHORTEST_KEY} characters"
        )
    import jwt  # noqa: PLC0415  a backend that needs no quote does not pay for it

    try:
        # Its times are checked below, by the clock that everything else goes by.
        claims = jwt.decode(
            quote,
            key,
            algorithms=["HS256"],
            options={
                "require": ["sub", "contentId", "amount", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
    except jwt.InvalidTokenError as problem:
        raise _refused("is not a quote of the product's backend") from problem
    expires = claims["exp"]
    if type(expires) is not int or expires <= now:
        raise _refused("has expired")
    if expires > now + LONGEST:
        raise _refused("must expire within 15 minutes")
    if claims["sub"] != sub or claims["contentId"] != content_id:
        raise _refused("is for another user or content")
    if type(claims["amount"]) is not int or claims["amount"] != amount:
        raise _refused("is for another amount")


def _refused(issue: str) -> NotAllowedError:
    return NotAllowedError(f"quote {issue}.", details={"field": "quote", "issue": issue})
