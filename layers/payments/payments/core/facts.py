"""What WeChat Pay says of an order or a refund, as plain facts, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass

from payments.core.coupons.promotions import paid_with, payer_refund_of

_PAID = ("SUCCESS", "REFUND")
_MERCHANT = "商户"


class UnusableFactsError(Exception):
    """WeChat Pay's members lack something that they always have, or have it in another type."""


@dataclass(frozen=True)
class OrderFacts:
    """What WeChat Pay says of one order; amount in fen. Source: APIv3, "Query order" and "Payment notification"."""

    out_trade_no: str
    mchid: str
    appid: str
    trade_state: str
    transaction_id: str | None = None
    total: int | None = None
    currency: str | None = None
    openid: str | None = None
    success_time: str | None = None
    payer_total: int | None = None  # what the buyer paid of it, where coupons were used
    promotions: str | None = None  # those coupons, as JSON text
    unusable: tuple[str, ...] = ()  # members about coupons that are not what they should be, and are left out

    @property
    def says_paid(self) -> bool:
        """Whether the money has come in, whatever became of it since."""
        return self.trade_state in _PAID

    @property
    def says_refunded(self) -> bool:
        """Whether money of it has gone back."""
        return self.trade_state == "REFUND"

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "OrderFacts":
        """From the members of a query's answer or a decrypted notification. Raises UnusableFactsError."""
        amount = members.get("amount")
        payer = members.get("payer")
        amount = amount if isinstance(amount, dict) else {}
        payer = payer if isinstance(payer, dict) else {}
        coupons = paid_with(amount, members.get("promotion_detail"))
        return cls(
            out_trade_no=required(members, "out_trade_no"),
            mchid=required(members, "mchid"),
            appid=required(members, "appid"),
            trade_state=required(members, "trade_state"),
            transaction_id=optional(members, "transaction_id"),
            total=whole(amount, "total"),
            currency=optional(amount, "currency"),
            openid=optional(payer, "openid"),
            success_time=optional(members, "success_time"),
            payer_total=coupons.payer_total,
            promotions=coupons.promotions,
            unusable=coupons.unusable,
        )


@dataclass(frozen=True)
class RefundFacts:
    """What WeChat Pay says of one refund; amounts in fen. Source: APIv3, "Refund", "Refund result notification"."""

    out_trade_no: str
    out_refund_no: str
    refund_id: str
    transaction_id: str
    status: str
    amount: int
    total: int
    mchid: str | None = None  # a notification has it, the refund object has not
    success_time: str | None = None
    user_received_account: str | None = None
    payer_refund: int | None = None  # what the buyer gets of it; coupons get the rest
    create_time: str | None = None  # the refund object has it, a notification has not

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "RefundFacts":
        """From a refund object (`status`) or a decrypted notification (`refund_status`). Raises UnusableFactsError."""
        amount = members.get("amount")
        amount = amount if isinstance(amount, dict) else {}
        refund, total = whole(amount, "refund"), whole(amount, "total")
        if refund is None or total is None:
            raise UnusableFactsError("amount is missing")
        return cls(
            out_trade_no=required(members, "out_trade_no"),
            out_refund_no=required(members, "out_refund_no"),
            refund_id=required(members, "refund_id"),
            transaction_id=required(members, "transaction_id"),
            status=required(members, "refund_status" if "refund_status" in members else "status"),
            amount=refund,
            total=total,
            mchid=optional(members, "mchid"),
            success_time=optional(members, "success_time"),
            user_received_account=optional(members, "user_received_account"),
            payer_refund=payer_refund_of(amount),
            create_time=optional(members, "create_time"),
        )


def is_merchants_account(user_received_account: str | None) -> bool:
    """Whether a refund went to the merchant's own account: WeChat Pay's words for it begin so (APIv3, "Refund")."""
    return (user_received_account or "").startswith(_MERCHANT)


def required(members: Mapping[str, object], name: str) -> str:
    """A text member that is always there. Raises UnusableFactsError."""
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise UnusableFactsError(f"{name} is missing")
    return value


def optional(members: Mapping[str, object], name: str) -> str | None:
    """A text member, or None where it is absent or of another type."""
    value = members.get(name)
    return value if isinstance(value, str) and value else None


def whole(members: Mapping[str, object], name: str) -> int | None:
    """A whole number, or None where it is absent or of another type."""
    value = members.get(name)
    return value if type(value) is int else None
