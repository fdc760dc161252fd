"""Refunding: set the money aside, write the exact request down, send it, record the answer.

One wish is one refund number, whoever repeats it: with an Idempotency-Key the key names it; without, a refund of the
same amount and reason that is under way or was asked for within a minute is the same one.
"""

import json
from dataclasses import dataclass

from payments import numbers
from payments.due import FIRST_CHECK
from payments.errors import (
    IdempotencyMismatchError,
    RefundExceedsError,
    RefundNotAllowedError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.evidence import Applied, UnusableFactsError
from payments.items import RefusedUpdate
from payments.lifecycle import MAX_REFUNDS, REFUNDABLE, RefundStatus
from payments.money import yuan
from payments.payment import Payment, Refund
from payments.refund_evidence import RefundFacts, apply_refund
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

DOUBLE_CLICK = 60  # seconds in which the same amount and reason without a key are the same refund
BUDGET = 6.0  # seconds for finding one's place among parallel refunds


@dataclass(frozen=True)
class Refunded:
    """The payment with the refund in it, and whether the refund had been asked for before."""

    payment: Payment
    out_refund_no: str
    duplicate: bool


def refund_payment(
    seen: Payment, *, amount: int, reason: str | None, key: str | None, caller: str, wiring: Wiring
) -> Refunded:
    """Refund `amount` (fen) of the payment `seen`, or find the refund that this one repeats.

    Raises RefundNotAllowedError, RefundExceedsError, IdempotencyMismatchError, WeChatRefusedError, TryAgainError.
    """
    started = wiring.now()
    while True:
        known = _same_refund(seen, amount=amount, reason=reason, key=key, caller=caller, now=wiring.now())
        if known is not None:
            if known.status is not RefundStatus.REQUESTED:
                return Refunded(seen, known.out_refund_no, duplicate=True)
            # WeChat Pay has not answered for it yet: the same bytes again do no harm, and may bring the answer.
            return Refunded(_send(seen, known, wiring), known.out_refund_no, duplicate=True)
        refund = _planned(seen, amount=amount, reason=reason, key=key, caller=caller, wiring=wiring)
        now = int(wiring.now())
        try:
            reserved = wiring.refunds.reserve(seen, refund, cause="refund", due_at=now + FIRST_CHECK, now=now)
        except RefusedUpdate:
            if wiring.now() - started > BUDGET:
                raise TryAgainError("Other refunds of this order are under way.", retry_after=1) from None
            read = wiring.store.get(seen.out_trade_no)
            seen = read if read is not None else seen
            continue
        return Refunded(_send(reserved, refund, wiring), refund.out_refund_no, duplicate=False)


def _same_refund(
    seen: Payment, *, amount: int, reason: str | None, key: str | None, caller: str, now: float
) -> Refund | None:
    if key is not None:
        known = seen.refunds.get(
            numbers.out_refund_no_with_key(out_trade_no=seen.out_trade_no, caller=caller, key=key)
        )
        if known is not None and (known.amount, known.reason) != (amount, reason):
            raise IdempotencyMismatchError("This Idempotency-Key was used for another refund of this order.")
        return known
    alike = [
        refund
        for refund in seen.refunds.values()
        if (refund.amount, refund.reason) == (amount, reason)
        and not refund.elsewhere
        and (not refund.status.is_final or now - refund.created_at < DOUBLE_CLICK)
    ]
    return max(alike, key=lambda refund: refund.created_at, default=None)


def _planned(
    seen: Payment, *, amount: int, reason: str | None, key: str | None, caller: str, wiring: Wiring
) -> Refund:
    if seen.status not in REFUNDABLE or seen.refund_count >= MAX_REFUNDS:
        raise RefundNotAllowedError(
            f"WeChat Pay takes {MAX_REFUNDS} refunds of one order."
            if seen.refund_count >= MAX_REFUNDS
            else f"The order is {seen.status.word}; only a paid order can be refunded.",
            details={"status": seen.status.word},
        )
    if amount > seen.refundable:
        raise RefundExceedsError(
            "There is less left to refund.",
            details={"field": "refundAmount", "refundable": str(yuan(seen.refundable))},
        )
    if key is not None:
        number = numbers.out_refund_no_with_key(out_trade_no=seen.out_trade_no, caller=caller, key=key)
    else:
        number = numbers.out_refund_no_without_key(
            out_trade_no=seen.out_trade_no, refund_count=seen.refund_count, amount=amount, reason=reason
        )
    request: dict[str, object] = {
        "transaction_id": seen.transaction_id,
        "out_refund_no": number,
        "notify_url": wiring.settings.notify_url,
        "amount": {"refund": amount, "total": seen.amount, "currency": seen.currency},
    }
    if reason is not None:
        request["reason"] = reason
    return Refund(
        out_refund_no=number,
        status=RefundStatus.REQUESTED,
        amount=amount,
        reason=reason,
        created_at=int(wiring.now()),
        wechat_request=json.dumps(request, ensure_ascii=False, separators=(",", ":")),
    )


def _send(payment: Payment, refund: Refund, wiring: Wiring) -> Payment:
    """Put the frozen request to WeChat Pay and apply what it says.

    The money stays set aside after a refusal too: another send of the same number may be on its way, so only somebody
    who asks later may release it.
    """
    try:
        members = wiring.wechat.refund((refund.wechat_request or "").encode())
    except UnknownOutcomeError as unknown:
        raise TryAgainError("WeChat Pay did not give a certain answer; the refund is kept.") from unknown
    except RefusedError as refused:
        details = {
            "wechatCode": refused.code,
            "requestId": refused.request_id,
            "outRefundNo": refund.out_refund_no,
        }
        raise WeChatRefusedError(
            "WeChat Pay did not take the refund.",
            details={name: value for name, value in details.items() if value is not None},
        ) from refused
    try:
        facts = RefundFacts.of(members)
    except UnusableFactsError as problem:
        raise TryAgainError("WeChat Pay's answer cannot be used; the refund is kept.") from problem
    if (facts.out_trade_no, facts.out_refund_no) != (payment.out_trade_no, refund.out_refund_no):
        raise TryAgainError("WeChat Pay answered for another refund.")
    applied, known = apply_refund(facts, source="refund", wiring=wiring, seen=payment)
    if applied in (Applied.CHANGED, Applied.KNOWN) and known is not None:
        return known
    raise TryAgainError("The refund is kept; its state is being looked into.")
