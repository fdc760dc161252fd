"""What the API answers about a payment, in the shapes and words of the specification.

What is not there yet is left out, never null.
"""

import json
from decimal import Decimal

from payments.core.books.differences import fee_text
from payments.core.coupons import promotions
from payments.core.lifecycle import Status
from payments.core.money import yuan
from payments.core.payment import Payment, Refund
from payments.core.times import utc

_TRADE_STATES = {
    Status.CREATING: ("NOTPAY", "Not paid yet"),
    Status.PENDING: ("NOTPAY", "Not paid yet"),
    Status.CLOSING: ("NOTPAY", "Not paid yet"),
    Status.FAILED: ("PAYERROR", "Payment error"),
    Status.CLOSED: ("CLOSED", "Order closed"),
    Status.PAID: ("SUCCESS", "Payment successful"),
    Status.PARTIALLY_REFUNDED: ("REFUND", "Partially refunded"),
    Status.REFUNDED: ("REFUND", "Refunded"),
}


_HOW_TO_REFUND_AGAIN = (
    "This is the earlier refund. To refund once more, send an Idempotency-Key or another reason."
)


def order_members(payment: Payment) -> dict[str, object]:
    """The members that every way to open an order shares."""
    answer: dict[str, object] = {
        "paymentId": payment.payment_id,
        "outTradeNo": payment.out_trade_no,
        "amount": yuan(payment.amount),
        "currency": payment.currency,
    }
    if payment.credential_expires_at is not None:
        answer["expiresAt"] = utc(payment.credential_expires_at)
    return answer


def query_members(payment: Payment) -> dict[str, object]:
    """GET …/query: the order in WeChat Pay's words."""
    trade_state, words = _trade_state(payment)
    return _present(
        {
            "outTradeNo": payment.out_trade_no,
            "transactionId": payment.transaction_id,
            "tradeState": trade_state,
            "tradeStateDesc": words,
            "amount": {"total": payment.amount, "currency": payment.currency},
            "payer": {"openid": payment.payer_openid} if payment.payer_openid else None,
            "successTime": payment.success_time,
        }
    )


def details(payment: Payment) -> dict[str, object]:
    """GET …/payment: the payment as our table has it."""
    metadata = json.loads(payment.metadata, parse_float=Decimal) if payment.metadata else {}
    metadata |= _present(
        {
            "outTradeNo": payment.out_trade_no,
            "transactionId": payment.transaction_id,
            "tradeState": _trade_state(payment)[0],
            "checkoutId": payment.checkout_id,
        }
    )
    return _present(
        {
            "id": payment.payment_id,
            "userId": payment.user_id,
            "contentId": payment.content_id,
            "checkoutId": payment.checkout_id,
            "amount": str(yuan(payment.amount)),
            "payerAmount": _yuan_text(payment.payer_total),
            "promotions": promotions.shown(payment.promotions) if payment.promotions is not None else None,
            "currency": payment.currency,
            "paymentMethod": "wechat",
            "status": payment.status.word,
            "refundedAmount": str(yuan(payment.refunded)),
            "refunds": [
                _refund(refund) for refund in sorted(payment.refunds.values(), key=lambda r: r.created_at)
            ],
            "fee": fee_text(payment.fee) if payment.fee is not None else None,
            "settledOn": payment.settled_on,
            "duplicateOf": payment.duplicate_of,
            "refundedElsewhere": True if payment.refunded_elsewhere else None,
            "metadata": metadata,
            "createdAt": utc(payment.created_at),
            "completedAt": utc(payment.completed_at) if payment.completed_at is not None else None,
        }
    )


def refund_members(
    payment: Payment, out_refund_no: str, *, duplicate: bool, keyed: bool
) -> dict[str, object]:
    """POST …/refund: the refund as WeChat Pay has it; `duplicate` when it had been asked for before."""
    refund = payment.refunds[out_refund_no]
    return _present(
        {
            "outTradeNo": payment.out_trade_no,
            "outRefundNo": out_refund_no,
            "refundId": refund.refund_id,
            "refundAmount": yuan(refund.amount),
            "payerAmount": yuan(refund.payer_amount) if refund.payer_amount is not None else None,
            "status": refund.status.word,
            "duplicate": True if duplicate else None,
            "createdAt": utc(refund.created_at) if duplicate else None,
            "note": _HOW_TO_REFUND_AGAIN if duplicate and not keyed else None,
        }
    )


def abnormal_refund_members(payment: Payment, out_refund_no: str) -> dict[str, object]:
    """POST …/refund/abnormal: the refund as WeChat Pay has it now, and where it says that the money goes."""
    account = payment.refunds[out_refund_no].user_received_account
    answer = refund_members(payment, out_refund_no, duplicate=False, keyed=True)
    return answer | _present({"userReceivedAccount": account})


def _trade_state(payment: Payment) -> tuple[str, str]:
    if payment.refunded_elsewhere and payment.status is Status.PAID:
        return "REFUND", "Refunded elsewhere"
    return _TRADE_STATES[payment.status]


def _refund(refund: Refund) -> dict[str, object]:
    return _present(
        {
            "outRefundNo": refund.out_refund_no,
            "amount": str(yuan(refund.amount)),
            "payerAmount": _yuan_text(refund.payer_amount),
            "status": refund.status.word,
            "userReceivedAccount": refund.user_received_account,
            "reason": refund.reason,
            "fee": fee_text(refund.fee) if refund.fee is not None else None,
            "settledOn": refund.settled_on,
            "createdAt": utc(refund.created_at),
        }
    )


def _yuan_text(fen: int | None) -> str | None:
    return None if fen is None else str(yuan(fen))


def _present(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
