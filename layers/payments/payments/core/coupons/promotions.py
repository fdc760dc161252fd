"""What WeChat Pay says that coupons paid of an order: read so that nothing in it can hold up the money itself.

Source: WeChat Pay APIv3, "Query order" and "Payment notification": `amount.payer_total`, `promotion_detail`.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from payments.core.money import MAX_FEN, yuan

MAX_BYTES = 8192  # of the JSON text that is kept with the payment
_TEXTS = ("coupon_id", "name", "scope", "type", "stock_id", "currency")
_SUMS = ("amount", "wechatpay_contribute", "merchant_contribute", "other_contribute")
_NEEDED = ("coupon_id", "amount")


class PaidWith(NamedTuple):
    """What the buyer paid, in fen, and the coupons as JSON text; None where nothing is said, or all was paid by the buyer.

    `unusable` names the members that are not what they should be: they are left out.
    """

    payer_total: int | None = None
    promotions: str | None = None
    unusable: tuple[str, ...] = ()


def paid_with(amount: Mapping[str, object], detail: object) -> PaidWith:
    """From `amount` and `promotion_detail` as WeChat Pay has them. Raises nothing, whatever they are."""
    total, payer_total = amount.get("total"), amount.get("payer_total")
    unusable = []
    if payer_total is not None and not _is_part(payer_total, total):
        payer_total = None
        unusable.append("amount.payer_total")
    promotions = None
    if detail not in (None, []):
        promotions = _kept(detail)
        if promotions is None:
            unusable.append("promotion_detail")
    of_interest = type(payer_total) is int and (payer_total != total or promotions is not None)
    return PaidWith(payer_total if of_interest else None, promotions, tuple(unusable))  # type: ignore[arg-type]


def payer_refund_of(amount: Mapping[str, object]) -> int | None:
    """What the buyer gets of a refund, in fen, from its `amount`; None where that is not said, or cannot be true."""
    payer_refund = amount.get("payer_refund")
    return payer_refund if _is_part(payer_refund, amount.get("refund")) else None  # type: ignore[return-value]


def shown(promotions: str) -> list[dict[str, object]]:
    """The coupons that were kept, as callers see them: sums in yuan, as text."""
    return [
        {_camel(name): str(yuan(value)) if name in _SUMS else value for name, value in promotion.items()}
        for promotion in json.loads(promotions)
    ]


def _kept(detail: object) -> str | None:
    """JSON text of those members that are of interest; None where one of them is not what it should be, or all are too much."""
    if not isinstance(detail, list):
        return None
    kept = []
    for promotion in detail:
        if not isinstance(promotion, dict):
            return None
        members = {name: promotion[name] for name in (*_TEXTS, *_SUMS) if promotion.get(name) is not None}
        if any(name not in members for name in _NEEDED):
            return None
        if not all(_is_part(members[name], MAX_FEN) for name in _SUMS if name in members):
            return None
        if not all(_is_text(members[name]) for name in _TEXTS if name in members):
            return None
        kept.append(members)
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return text if len(text.encode()) <= MAX_BYTES else None


def _is_part(value: object, whole: object) -> bool:
    return type(value) is int and type(whole) is int and 0 <= value <= whole


def _is_text(value: object) -> bool:
    """Half of a surrogate pair is no text: it could neither be kept nor shown."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)
