"""What lists and exports tell of an order. What is not there yet is left out, never null."""

from payments.core.books.rows import OrderRow
from payments.core.money import yuan
from payments.core.times import utc


def order_members(row: OrderRow) -> dict[str, object]:
    """One order of a list, in the words of the payment's own details; money in yuan, as text."""
    members: dict[str, object | None] = {
        "outTradeNo": row.out_trade_no,
        "paymentId": row.payment_id,
        "userId": row.user_id,
        "contentId": row.content_id,
        "checkoutId": row.checkout_id,
        "method": row.method,
        "subject": row.subject,
        "amount": str(yuan(row.amount)),
        "currency": row.currency,
        "status": row.status.word,
        "refundingAmount": str(yuan(row.refunding)) if row.refunding else None,
        "refundedAmount": str(yuan(row.refunded)),
        "transactionId": row.transaction_id,
        "successTime": row.success_time,
        "createdAt": utc(row.created_at),
    }
    return {name: value for name, value in members.items() if value is not None}
