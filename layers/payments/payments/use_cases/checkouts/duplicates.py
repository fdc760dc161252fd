"""A checkout's second payment: its money goes back by itself, where the stack says so and nothing speaks against it."""

import json

from payments.core import identifiers
from payments.core.errors import RefusedUpdate, TryAgainError
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.core.schedule import FIRST_CHECK_SECONDS
from payments.wiring import Wiring

REASON = "重复支付退款"  # "refund of a duplicate payment": the buyer reads it


def refund_duplicate(payment: Payment, wiring: Wiring) -> bool:
    """Set the whole money of a duplicate aside, to be sent back by the queue of refunds; whether that is so now.

    Only if the stack refunds duplicates and holds no refunds back, nobody has refunded anything of this order, and the order that
    paid first has all its money still. The number follows from the order, so it is one refund however often this is called. Raises
    TryAgainError when the payment moved meanwhile, StorageUnavailableError.
    """
    number = identifiers.out_refund_no_of_duplicate(payment.out_trade_no)
    if number in payment.refunds:
        return True
    settings = wiring.settings
    if not settings.refunds_duplicates or settings.refunds_held or payment.duplicate_of is None:
        return False
    first = wiring.store.get(payment.duplicate_of)
    if first is None or not _is_whole(first) or not _is_whole(payment) or payment.refund_count:
        wiring.count("DuplicateKept")
        return False
    now = int(wiring.now())
    try:
        wiring.refunds.reserve(
            payment,
            _planned(payment, number, wiring.settings.notify_url, now),
            cause="duplicate",
            due_at=now + FIRST_CHECK_SECONDS,
            now=now,
            same_version=True,
        )
    except RefusedUpdate as refused:
        if number in wiring.store.reread(payment, refused).refunds:
            return True  # our own write went through, or another's who heard of the same
        raise TryAgainError("The payment moved while its refund was reserved.") from refused
    return True


def _is_whole(payment: Payment) -> bool:
    """Whether it is paid, and none of its money has gone back, or is about to."""
    untouched = payment.refunding == payment.refunded == 0 and not payment.refunded_elsewhere
    return payment.status is Status.PAID and untouched


def _planned(payment: Payment, number: str, notify_url: str, now: int) -> Refund:
    request = {
        "transaction_id": payment.transaction_id,
        "out_refund_no": number,
        "notify_url": notify_url,
        "amount": {"refund": payment.paid, "total": payment.amount, "currency": payment.currency},
        "reason": REASON,
    }
    return Refund(
        out_refund_no=number,
        status=RefundStatus.REQUESTED,
        amount=payment.paid,
        reason=REASON,
        created_at=now,
        sent_at=now,
        wechat_request=json.dumps(request, ensure_ascii=False, separators=(",", ":")),
    )
