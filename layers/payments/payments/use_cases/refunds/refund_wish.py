"""One wish is one refund number, whoever repeats it.

With an Idempotency-Key the key names it. Without, a refund of the same amount and reason is the same one while it is under
way, for a minute, and for whoever has not been answered for a day after they last asked.
"""

import json
from dataclasses import dataclass

from payments.core import identifiers
from payments.core.errors import IdempotencyMismatchError, RefundExceedsError, RefundNotAllowedError
from payments.core.lifecycle import MAX_REFUNDS, REFUNDABLE, RefundStatus
from payments.core.money import yuan
from payments.core.payment import Payment, Refund

DOUBLE_CLICK_SECONDS = 60  # seconds in which the same amount and reason without a key are the same refund
# Seconds for which it stays the same for whoever was not answered, after they last asked: the day that they are promised, and
# a minute for clocks that differ and for the seconds that our times leave out.
UNANSWERED_SECONDS = 24 * 3600 + 60


@dataclass(frozen=True)
class Wish:
    """What a caller asks for: `amount` in fen; `caller` is the token's sub; `key` an Idempotency-Key, if any.

    `confirmed`: the caller knows that money went back elsewhere, and asks all the same.
    """

    amount: int
    reason: str | None
    key: str | None
    caller: str
    confirmed: bool = False


def find_same_refund(seen: Payment, wish: Wish, *, now: float) -> Refund | None:
    """The refund of `seen` that this wish repeats, if there is one. Raises IdempotencyMismatchError."""
    if wish.key is not None:
        known = seen.refunds.get(
            identifiers.out_refund_no_with_key(
                out_trade_no=seen.out_trade_no, caller=wish.caller, key=wish.key
            )
        )
        # One that we forgot and heard of again has come without its reason.
        if known is not None and (
            known.amount != wish.amount or (known.reason != wish.reason and not known.elsewhere)
        ):
            raise IdempotencyMismatchError("This Idempotency-Key was used for another refund of this order.")
        return known
    # Made elsewhere, and yet under a number of ours: asked for before the table was restored to an earlier state.
    ours = {
        identifiers.out_refund_no_without_key(
            out_trade_no=seen.out_trade_no, refund_count=count, amount=wish.amount, reason=wish.reason
        )
        for count in range(
            seen.refund_count + 1
        )  # the next one, too: it may have been heard of before the last
    }
    remembered = [
        refund for refund in seen.refunds.values() if refund.elsewhere and refund.out_refund_no in ours
    ]
    alike = remembered or [
        refund
        for refund in seen.refunds.values()
        if (refund.amount, refund.reason) == (wish.amount, wish.reason)
        and not refund.elsewhere
        and (
            not refund.status.is_final
            or now - refund.created_at < DOUBLE_CLICK_SECONDS
            or _unanswered(refund, now)
        )
    ]
    # What this caller was told of and is repeating comes first, and what was asked for with a key comes last.
    caller = identifiers.caller_hash(wish.caller)
    own = [refund for refund in alike if refund.unanswered_by == caller]
    without_key = [refund for refund in alike if refund.out_refund_no in ours]
    return max(own or without_key or alike, key=lambda refund: refund.created_at, default=None)


def _unanswered(refund: Refund, now: float) -> bool:
    """Whether whoever asked for it has been told nothing certain yet, and may still be repeating it."""
    asked_at = refund.told_at or refund.created_at
    return refund.unanswered_by is not None and now - asked_at < UNANSWERED_SECONDS


def plan_refund(seen: Payment, wish: Wish, *, notify_url: str, claim: str, now: int) -> Refund:
    """The refund that fulfils this wish, with the exact bytes that WeChat Pay will be sent, now and at every retry.

    Raises RefundNotAllowedError, RefundExceedsError.
    """
    if seen.status not in REFUNDABLE or seen.refund_count >= MAX_REFUNDS:
        raise RefundNotAllowedError(
            f"WeChat Pay takes {MAX_REFUNDS} refunds of one order."
            if seen.refund_count >= MAX_REFUNDS
            else f"The order is {seen.status.word}; only a paid order can be refunded.",
            details={"status": seen.status.word},
        )
    if seen.refunded_elsewhere and not wish.confirmed:
        raise RefundNotAllowedError(
            "Money of this order went back elsewhere already, and WeChat Pay does not tell how much; "
            "compare, then send confirmRefundedElsewhere: true.",
            details={"status": seen.status.word, "refundedElsewhere": True},
        )
    if wish.amount > seen.refundable:
        raise RefundExceedsError(
            "There is less left to refund.",
            details={"field": "refundAmount", "refundable": str(yuan(seen.refundable))},
        )
    if wish.key is not None:
        number = identifiers.out_refund_no_with_key(
            out_trade_no=seen.out_trade_no, caller=wish.caller, key=wish.key
        )
    else:
        number = identifiers.out_refund_no_without_key(
            out_trade_no=seen.out_trade_no,
            refund_count=seen.refund_count,
            amount=wish.amount,
            reason=wish.reason,
        )
    request: dict[str, object] = {
        "transaction_id": seen.transaction_id,
        "out_refund_no": number,
        "notify_url": notify_url,
        "amount": {"refund": wish.amount, "total": seen.amount, "currency": seen.currency},
    }
    if wish.reason is not None:
        request["reason"] = wish.reason
    return Refund(
        out_refund_no=number,
        status=RefundStatus.REQUESTED,
        amount=wish.amount,
        reason=wish.reason,
        created_at=now,
        sent_at=now,
        claim=claim,
        wechat_request=json.dumps(request, ensure_ascii=False, separators=(",", ":")),
        unanswered_by=identifiers.caller_hash(wish.caller) if wish.key is None else None,
    )
