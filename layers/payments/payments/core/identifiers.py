"""Numbers and fingerprints derived by hashing, so that a retry finds what the first try made."""

import base64
import hashlib
import json
from decimal import Decimal


def out_trade_no(*, scope: str, route: str, caller: str, key: str) -> str:
    """The order number of one Idempotency-Key of one caller on one route: `WX` and 26 base32 characters (130 bits)."""
    return "WX" + _digest([scope, route, caller, key])


def out_trade_no_of_quote(*, scope: str, route: str, caller: str, jti: str) -> str:
    """The order number of one quote that opens one order, where no Idempotency-Key was sent."""
    return "WX" + _digest([scope, route, caller, "jti", jti])


def checkout_id(*, scope: str, caller: str, key: str) -> str:
    """The id of one Idempotency-Key's checkout: `CO` and 26 base32 characters."""
    return "CO" + _digest([scope, "checkout", caller, key])


def checkout_id_of_quote(*, scope: str, caller: str, jti: str) -> str:
    """The id of the checkout of one quote, where no Idempotency-Key was sent."""
    return "CO" + _digest([scope, "checkout", caller, "jti", jti])


def export_id(*, scope: str, caller: str, key: str) -> str:
    """The id of one Idempotency-Key's export: `EX` and 26 base32 characters."""
    return "EX" + _digest([scope, "export", caller, key])


def is_checkout(number: str) -> bool:
    """Whether this number of ours is a checkout's; every other one is an order's."""
    return number.startswith("CO")


def out_trade_no_of_attempt(*, scope: str, checkout_id: str, attempt: int) -> str:
    """The order number of the so-manieth attempt (from 1) at paying a checkout."""
    return "WX" + _digest([scope, "checkout", checkout_id, attempt])


def openid_hash(appid: str, openid: str) -> str:
    """A buyer as a checkout remembers who holds it: 26 base32 characters."""
    return _digest(["openid", appid, openid])


def visit_key(checkout_id: str, cookie: str) -> str:
    """Under which key a checkout keeps the visit of the browser that has this cookie."""
    return _digest(["visit", checkout_id, cookie])


def nonce_hash(nonce: str) -> str:
    """A nonce as it is kept while its return is awaited."""
    return _digest(["nonce", nonce])


def payment_id(out_trade_no: str) -> str:
    """The payment's own id, one per order number."""
    return "PAY" + _digest(["payment", out_trade_no])


def out_refund_no_with_key(*, out_trade_no: str, caller: str, key: str) -> str:
    """The refund number of one Idempotency-Key: `RF` and 26 base32 characters."""
    return "RF" + _digest(["key", out_trade_no, caller, key])


def out_refund_no_without_key(
    *, out_trade_no: str, refund_count: int, amount: int, reason: str | None
) -> str:
    """The refund number of the next refund after `refund_count` others; `amount` in fen."""
    return "RF" + _digest(["auto", out_trade_no, refund_count, amount, reason])


def out_refund_no_of_duplicate(out_trade_no: str) -> str:
    """The refund number under which an order that paid its checkout a second time gives its money back by itself."""
    return "RF" + _digest(["duplicate", out_trade_no])


def caller_hash(caller: str) -> str:
    """A caller as a refund remembers whose it is: 26 base32 characters."""
    return _digest(["caller", caller])


def fingerprint(request: dict[str, object]) -> str:
    """What tells two requests apart, whatever the order of their members."""
    return _digest([request])


def random_number(prefix: str, entropy: bytes) -> str:
    """`prefix` and 26 base32 characters from at least 17 random bytes."""
    return prefix + base64.b32encode(entropy).decode()[:26]


def _digest(parts: list[object]) -> str:
    canonical = json.dumps(_canonical(parts), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return base64.b32encode(hashlib.sha256(canonical.encode()).digest()).decode()[:26]


def _canonical(value: object) -> object:
    """A number with a fraction as `{"Decimal": text}`; an object of that very form, which is another request, as another.

    All else is written as it is: stored orders are compared with their fingerprints.
    """
    if isinstance(value, Decimal):
        return {"Decimal": str(value)}
    if isinstance(value, list):
        return [_canonical(member) for member in value]
    if isinstance(value, dict):
        lookalike = len(value) == 1 and all(name.lstrip("~") == "Decimal" for name in value)
        return {("~" if lookalike else "") + name: _canonical(member) for name, member in value.items()}
    return value
