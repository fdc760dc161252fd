"""What opens one order's public view without an account: the token in a checkout address, and the ticket of a live line.

Both are JWTs (HS256, RFC 7519) under a key that the stack makes for itself and nobody else has; `aud` keeps one from
passing for the other. `keys` is what the checkout secret holds: the first signs, any of them opens, so that what is in
buyers' hands outlives a change of the key.

We alone write them, always with the same header, and read no other: nothing is decoded before its signature is found good.
"""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TICKET_LIFE_SECONDS = 60  # seconds in which a live line must be opened
SHOWN_AFTER_END_SECONDS = 24 * 3600  # seconds that a checkout address still tells the end of its order
_MAX_TOKEN_CHARACTERS = 1024
_HEADER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"  # {"alg":"HS256","typ":"JWT"}


class TicketError(Exception):
    """Not a token or ticket of ours, or one whose time is over. Its text says nothing that an attacker could use."""


@dataclass(frozen=True)
class Ticket:
    """One live line for one order; `ticket_id` is new for each, so that it can be used once."""

    out_trade_no: str
    ticket_id: str
    expires_at: int  # epoch seconds


def checkout_token(*, out_trade_no: str, time_expire: int, keys: Sequence[str]) -> str:
    """The token of an order's checkout address; it ends a day after the order (`time_expire`, epoch seconds)."""
    return _signed(
        {"aud": "checkout", "sub": out_trade_no, "exp": time_expire + SHOWN_AFTER_END_SECONDS}, keys
    )


def number_in(token: str, *, keys: Sequence[str], now: float) -> str:
    """What a checkout token opens: an out_trade_no or a checkout_id, see `identifiers.is_checkout`. Raises TicketError."""
    return str(_read(token, "checkout", keys, now)["sub"])


def live_ticket(*, out_trade_no: str, ticket_id: str, keys: Sequence[str], now: float) -> str:
    """A ticket for one live line, to be used within a minute. Its characters fit a Sec-WebSocket-Protocol."""
    claims = {"aud": "live", "sub": out_trade_no, "jti": ticket_id, "exp": int(now) + TICKET_LIFE_SECONDS}
    return _signed(claims, keys)


def ticket_of(text: str, *, keys: Sequence[str], now: float) -> Ticket:
    """What a ticket opens. Raises TicketError."""
    claims = _read(text, "live", keys, now)
    return Ticket(str(claims["sub"]), str(claims.get("jti", "")), int(claims["exp"]))


def _signed(claims: dict[str, object], keys: Sequence[str]) -> str:
    text = f"{_HEADER}.{_base64url(json.dumps(claims, separators=(',', ':')).encode())}"
    return f"{text}.{_signature(text, keys[0])}"


def _signature(text: str, key: str) -> str:
    return _base64url(hmac.digest(key.encode(), text.encode(), "sha256"))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _read(text: str, audience: str, keys: Sequence[str], now: float) -> dict[str, Any]:
    if not 1 <= len(text) <= _MAX_TOKEN_CHARACTERS or not text.isascii():
        raise TicketError("not a ticket")
    claims = next((found for key in keys if (found := _opened(text, audience, key)) is not None), None)
    if claims is None:
        raise TicketError("not a ticket of ours")
    if type(claims["exp"]) is not int or claims["exp"] <= now:
        raise TicketError("its time is over")
    return claims


def _opened(text: str, audience: str, key: str) -> dict[str, Any] | None:
    signed, _, signature = text.rpartition(".")
    header, _, content = signed.partition(".")
    if header != _HEADER or not hmac.compare_digest(signature, _signature(signed, key)):
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    except ValueError:
        return None
    if not isinstance(claims, dict) or claims.get("aud") != audience or claims.get("exp") is None:
        return None
    texts = claims.get("sub"), claims.get("jti", "")
    return claims if all(isinstance(each, str) for each in texts) else None
