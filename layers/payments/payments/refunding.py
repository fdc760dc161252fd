"""Refunding: set the money aside, write the exact request down, send it, record the answer.

One wish is one refund number, whoever repeats it: with an Idempotency-Key the key names it; without, a refund of the
same amount and reason that is under way or was asked for within a minute is the same one.
"""

import contextlib
import json
from dataclasses import dataclass

from payments import numbers
from payments.asking import refusal_of
from payments.due import FIRST_CHECK
from payments.errors import (
    IdempotencyMismatchError,
    RateLimitedError,
    RefundExceedsError,
    RefundNotAllowedError,
    TryAgainError,
)
from payments.evidence import Applied
from payments.items import RefusedUpdate
from payments.lifecycle import MAX_REFUNDS, REFUNDABLE, RefundStatus
from payments.money import yuan
from payments.payment import Payment, Refund
from payments.refund_evidence import answered, apply_refund
from payments.times import beijing_day, beijing_midnight
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

DOUBLE_CLICK = 60  # seconds in which the same amount and reason without a key are the same refund
BUDGET = 6.0  # seconds for finding one's place among parallel refunds


# Refusals that pass once the balance is topped up or our keys and rights are mended: the same number goes out again.
_MAY_PASS = ("NOT_ENOUGH", "SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "FREQUENCY_LIMITED", "RULE_LIMIT")


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

    Raises RefundNotAllowedError, RefundExceedsError, RateLimitedError, IdempotencyMismatchError, WeChatRefusedError,
    TryAgainError.
    """
    started = wiring.now()
    counted = False
    while True:
        known = _same_refund(seen, amount=amount, reason=reason, key=key, caller=caller, now=wiring.now())
        if known is not None and (known.status is not RefundStatus.REQUESTED or known.elsewhere):
            return Refunded(seen, known.out_refund_no, duplicate=True)
        try:
            if known is not None:
                # WeChat Pay has not answered for it yet: the same bytes again do no harm, and may bring the answer.
                sent = repeat_refund(seen, known.out_refund_no, wiring)
                return Refunded(sent, known.out_refund_no, duplicate=True)
            refund = _planned(seen, amount=amount, reason=reason, key=key, caller=caller, wiring=wiring)
            now = int(wiring.now())
            if not counted:
                _count(caller, refund.out_refund_no, now, wiring)
                counted = True
            reserved = wiring.refunds.reserve(seen, refund, cause="refund", due_at=now + FIRST_CHECK, now=now)
        except RefusedUpdate:
            if wiring.now() - started > BUDGET:
                raise TryAgainError("Other refunds of this order are under way.", retry_after=1) from None
            read = wiring.store.get(seen.out_trade_no)
            seen = read if read is not None else seen
            continue
        return Refunded(_send(reserved, refund, wiring), refund.out_refund_no, duplicate=False)


def repeat_refund(seen: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    """Send a refund's frozen request again, under the same number. RefusedUpdate when somebody else just did.

    Raises WeChatRefusedError and TryAgainError as a first send does.
    """
    sending = wiring.refunds.sending_again(seen, out_refund_no, now=int(wiring.now()))
    return _send(sending, sending.refunds[out_refund_no], wiring)


def _count(caller: str, out_refund_no: str, now: int, wiring: Wiring) -> None:
    most, today = wiring.settings.refunds_per_day, beijing_day(now)
    try:
        wiring.allowances.count_refund(caller, out_refund_no, most=most, day=today, now=now)
    except RefusedUpdate as reached:
        raise RateLimitedError(
            f"The caller has asked for {most} refunds today.", retry_after=beijing_midnight(today + 1) - now
        ) from reached


def _same_refund(
    seen: Payment, *, amount: int, reason: str | None, key: str | None, caller: str, now: float
) -> Refund | None:
    if key is not None:
        known = seen.refunds.get(
            numbers.out_refund_no_with_key(out_trade_no=seen.out_trade_no, caller=caller, key=key)
        )
        # One that we forgot and heard of again has come without its reason.
        if known is not None and (known.amount != amount or (known.reason != reason and not known.elsewhere)):
            raise IdempotencyMismatchError("This Idempotency-Key was used for another refund of this order.")
        return known
    # Made elsewhere, and yet under a number of ours: asked for before the table was restored to an earlier state.
    ours = {
        numbers.out_refund_no_without_key(
            out_trade_no=seen.out_trade_no, refund_count=count, amount=amount, reason=reason
        )
        for count in range(seen.refund_count)
    }
    remembered = [
        refund for refund in seen.refunds.values() if refund.elsewhere and refund.out_refund_no in ours
    ]
    alike = remembered or [
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
        created_at=(now := int(wiring.now())),
        sent_at=now,
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
        if unknown.http_status == 429:
            raise _not_now(refund, unknown.code or "FREQUENCY_LIMITED") from unknown
        raise TryAgainError("WeChat Pay did not give a certain answer; the refund is kept.") from unknown
    except RefusedError as refused:
        if refused.is_code(*_MAY_PASS):
            raise _not_now(refund, refused.code) from refused
        if refused.proven:
            _note(payment, refund, refused.code, wiring)
        raise refusal_of(
            refused, "WeChat Pay did not take the refund.", outRefundNo=refund.out_refund_no
        ) from refused
    facts = answered(members, payment, refund.out_refund_no)
    applied, known = apply_refund(facts, source="refund", wiring=wiring, seen=payment)
    if applied in (Applied.CHANGED, Applied.KNOWN) and known is not None:
        return known
    raise TryAgainError("The refund is kept; its state is being looked into.")


def _not_now(refund: Refund, code: str) -> TryAgainError:
    return TryAgainError(
        "WeChat Pay does not take the refund now; it is kept and will be sent again.",
        details={"wechatCode": code, "outRefundNo": refund.out_refund_no},
        retry_after=60,
    )


def _note(payment: Payment, refund: Refund, code: str, wiring: Wiring) -> None:
    # Refused when it was sent again since, or settled: then this refusal is not the last word.
    with contextlib.suppress(RefusedUpdate):
        wiring.refunds.refused(payment, refund.out_refund_no, code=code)
