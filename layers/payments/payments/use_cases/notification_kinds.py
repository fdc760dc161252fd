"""What a notification is about: which kinds are ours to apply, and that all others are welcome and kept.

WeChat Pay sends whatever the merchant's other products give rise to, to the URL that its settings name. Source: WeChat Pay
APIv3, "Payment notification", "Combined payment notification", "Partner payment notification", "Refund result notification" and
"Testing signatures and encryption".
"""

from collections.abc import Mapping
from enum import Enum

from wechatpay.notification import Sealed

ECHO = ("SECURITY_ECHO.SUCCESS", "security")
NOT_DECRYPTED = "The notification cannot be decrypted with the APIv3 keys at hand."
"""What is logged of a notification that is WeChat Pay's and cannot be read."""

# Numbers that only orders of other products have: several orders in one, and a partner's for its sub-merchants.
_OTHER_ORDERS = ("combine_out_trade_no", "sp_mchid")


class Kind(Enum):
    """What a notification is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    ECHO = "echo"
    OTHER = "other"


_OURS = {
    "TRANSACTION.SUCCESS": (Kind.PAYMENT, "transaction", "out_trade_no"),
    "REFUND.SUCCESS": (Kind.REFUND, "refund", "out_refund_no"),
    "REFUND.ABNORMAL": (Kind.REFUND, "refund", "out_refund_no"),
    "REFUND.CLOSED": (Kind.REFUND, "refund", "out_refund_no"),
}
"""Of each event_type of ours: what it is about, the original_type that goes with it, the number that must be inside."""


def kind_of(sealed: Sealed, members: Mapping[str, object]) -> Kind:
    """By both types, and by which numbers are inside: a combined payment is called like an ordinary one.

    `members` are the decrypted facts.
    """
    if any(name in members for name in _OTHER_ORDERS):
        return Kind.OTHER
    if (sealed.event_type, sealed.original_type) == ECHO:
        return Kind.ECHO
    kind, original_type, number = _OURS.get(sealed.event_type, (Kind.OTHER, None, ""))
    # Money is not set aside for a missing word: what has an order's or a refund's number is judged as one.
    fits = number in members if sealed.original_type is None else sealed.original_type == original_type
    return kind if fits else Kind.OTHER
