"""What a notification is about: which kinds are ours to apply, and that all others are welcome and kept.

WeChat Pay sends whatever the merchant's other products give rise to, to the URL that its settings name. Source: WeChat Pay
APIv3, "Payment notification", "Combined payment notification", "Partner payment notification", "Refund result notification" and
"Testing signatures and encryption".
"""

from collections.abc import Mapping
from enum import Enum

from wechatpay.notification import Sealed

ECHO = ("SECURITY_ECHO.SUCCESS", "security")
NOT_OPENED = "The notification cannot be decrypted with the APIv3 keys at hand."
"""What is logged of a notification that is WeChat Pay's and cannot be read."""

_REFUNDS = ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")
# Numbers that only orders of other products have: several orders in one, and a partner's for its sub-merchants.
_OTHER_ORDERS = ("combine_out_trade_no", "sp_mchid")


class Kind(Enum):
    """What a notification is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    ECHO = "echo"
    OTHER = "other"


def kind_of(sealed: Sealed, members: Mapping[str, object]) -> Kind:
    """By both types, and by which numbers are inside: a combined payment is called like an ordinary one.

    `members` are the decrypted facts.
    """
    pair = (sealed.event_type, sealed.original_type)
    if any(name in members for name in _OTHER_ORDERS):
        return Kind.OTHER
    if pair == ("TRANSACTION.SUCCESS", "transaction"):
        return Kind.PAYMENT
    if sealed.event_type in _REFUNDS and sealed.original_type == "refund":
        return Kind.REFUND
    if pair == ECHO:
        return Kind.ECHO
    return Kind.OTHER
