"""What POST /_sandbox/pay may say of how the buyer pays."""

import secrets
from collections.abc import Mapping
from typing import Any

from wechatpay_simulator.controls.control_request import ControlError
from wechatpay_simulator.orders.means import Coupon, Means

MEMBERS = {"bankType", "payerCurrency", "coupons"}

_COUPON_MEMBERS = {"amount", "type", "scope", "paidBy", "couponId", "name"}
_KINDS = ("CASH", "NOCASH")
_SCOPES = ("GLOBAL", "SINGLE")
_PAYERS = ("wechatpay", "merchant", "other")
_MAX_COUPONS = 20  # coupons of one payment


def means_of(body: Mapping[str, Any]) -> Means:
    """How `body`, whose members are known, wants the order paid. Raises ControlError."""
    coupons = body.get("coupons", [])
    if not isinstance(coupons, list) or len(coupons) > _MAX_COUPONS:
        raise ControlError(f"coupons is a list of at most {_MAX_COUPONS} coupons.")
    bank_type, currency = body.get("bankType", "OTHERS"), body.get("payerCurrency", "CNY")
    if not _is_text(bank_type, 32):
        raise ControlError("bankType is a string of 1 to 32 characters.")
    if not (_is_text(currency, 16) and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise ControlError("payerCurrency is a string of 1 to 16 capital letters.")
    return Means(bank_type, currency, tuple(_coupon(each, place) for place, each in enumerate(coupons)))


def _coupon(coupon: Any, place: int) -> Coupon:
    name = f"coupons[{place}]"
    if not isinstance(coupon, dict):
        raise ControlError(f"{name} is not an object.")
    if unknown := sorted(coupon.keys() - _COUPON_MEMBERS):
        raise ControlError(f"{name}.{unknown[0]} is unknown; known are {', '.join(sorted(_COUPON_MEMBERS))}.")
    amount = coupon.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount < 2**63:
        raise ControlError(f"{name}.amount is a whole number of fen, 1 or more.")
    for member, longest in (("couponId", 32), ("name", 64)):
        if member in coupon and not _is_text(coupon[member], longest):
            raise ControlError(f"{name}.{member} is a string of 1 to {longest} characters.")
    return Coupon(
        amount=amount,
        kind=_one_of(_KINDS, coupon, "type", name),
        scope=_one_of(_SCOPES, coupon, "scope", name),
        paid_by=_one_of(_PAYERS, coupon, "paidBy", name),
        coupon_id=coupon.get("couponId") or f"{secrets.randbelow(10**11):011}",
        name=coupon.get("name", "代金券"),
    )


def _one_of(words: tuple[str, ...], coupon: Mapping[str, Any], member: str, name: str) -> str:
    """The member; the first of the words when it is left out."""
    value = coupon.get(member, words[0])
    if value not in words:
        raise ControlError(f"{name}.{member} is one of {', '.join(words)}.")
    return str(value)


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest
