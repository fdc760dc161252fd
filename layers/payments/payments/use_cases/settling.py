"""Settling: find out by ourselves what became of a payment or a refund that nobody told us about.

All of it ends in the same two doors for evidence. What WeChat Pay says that it never received is given up only once no
send of it can still be on its way.
"""

import contextlib
from collections.abc import Callable

from payments.core.errors import ApiError, OrderPaidError, RefusedUpdate
from payments.core.lifecycle import Status
from payments.core.pacing import seconds_held_after
from payments.core.payment import Payment
from payments.core.schedule import (
    AFTER_EXPIRY_SECONDS,
    MAX_SEND_SECONDS,
    MISSING_SECONDS,
    is_to_be_sent,
    is_undated,
    next_look,
    next_refund,
    open_refunds,
    undated_refunds,
)
from payments.use_cases.asking import query_order
from payments.use_cases.closing import close_order
from payments.use_cases.refunds.refund_asking import query_refund, release_missing
from payments.use_cases.refunds.refund_evidence import apply_held, set_aside_held
from payments.use_cases.refunds.refunding import repeat_refund
from payments.wiring import Wiring
from wechatpay.errors import RefusedError

REFUNDS_BUDGET_SECONDS = 10  # seconds for the open refunds of one payment; the rest is looked at next time


def settle(
    out_trade_no: str,
    wiring: Wiring,
    *,
    lease: int | None = None,
    may_send: bool,
    seen: Callable[[Payment], None] = lambda _: None,
) -> Payment | None:
    """Look into one payment if it is due, and say when to look again. Returns it as it is then.

    None when there was nothing to ask about. `lease` is the `due_at` that the sweep has set for this look: a payment with another one has been looked at since.
    Only a look that `may_send` sends refunds, for their pace is that of one queue; any other leaves the payment due for one that may.
    `seen` is told of the payment before anybody is asked about it, for whoever must name it when that fails.

    Raises TryAgainError after the next look has been set; StorageUnavailableError.
    """
    payment = wiring.store.get(out_trade_no)
    if payment is None or payment.due_at is None or (lease is not None and payment.due_at != lease):
        return None
    seen(payment)
    answered = False
    try:
        payment = _look_into(payment, wiring, may_send)
        answered = True
    except ApiError as problem:
        answered = isinstance(problem.__cause__, RefusedError) and problem.__cause__.proven
        payment = wiring.store.reread(payment)  # what was sent in this look decides about the next
        raise
    finally:
        _look_again(payment, wiring, answered=answered, may_send=may_send)
    return payment


def postpone(out_trade_no: str, wiring: Wiring) -> Payment | None:
    """Set the next look without asking WeChat Pay now, which is no look; the payment, if there is one."""
    payment = wiring.store.get(out_trade_no)
    if payment is not None:
        _look_again(payment, wiring, answered=False, may_send=True)
    return payment


def _look_again(payment: Payment, wiring: Wiring, *, answered: bool, may_send: bool) -> None:
    at = next_look(payment, int(wiring.now()), answered=answered, may_send=may_send)
    # Refused when it has moved: whoever moved it has said when to look.
    with contextlib.suppress(RefusedUpdate):
        if payment.due_at is not None and at is not None:
            wiring.looks.set_next_look(payment, due_at=at, answered=answered)
        elif payment.due_at is not None:
            wiring.looks.clear_due(payment)


def _look_into(payment: Payment, wiring: Wiring, may_send: bool) -> Payment:
    if payment.status.rank >= Status.PAID.rank:
        return _look_into_refunds(payment, wiring, may_send)
    known = query_order(payment, wiring)
    payment = _follow_up_missing(payment, wiring) if known is None else _clear_missing(known, wiring)
    if payment.held and payment.status in (Status.CLOSED, Status.FAILED):
        return set_aside_held(payment, wiring)
    expired = wiring.now() >= payment.time_expire + AFTER_EXPIRY_SECONDS
    if payment.status is Status.CLOSING or (expired and not payment.status.is_final):
        try:
            return close_order(payment, wiring)
        except OrderPaidError:
            return wiring.store.reread(payment)
    return payment


def _follow_up_missing(payment: Payment, wiring: Wiring) -> Payment:
    """WeChat Pay has no such order: it ends once it keeps saying so and nothing can still be on its way."""
    now = int(wiring.now())
    # A credential that was handed out proves that WeChat Pay had the order, and can be paid by until its time is over.
    payable = payment.credential_expires_at is not None and now < payment.time_expire + AFTER_EXPIRY_SECONDS
    ends = payment.status in (Status.CREATING, Status.CLOSING) and not payable
    if not ends or now < payment.sent_at + MAX_SEND_SECONDS:
        return payment
    try:
        if payment.missing_since is None:
            wiring.store.mark_missing(payment, now=now)
        elif now - payment.missing_since < MISSING_SECONDS:
            return payment
        elif payment.status is Status.CLOSING:
            return wiring.store.confirm_close(payment.out_trade_no, cause="settle", now=now)
        else:
            gone = {"wechatCode": "ORDER_NOT_EXIST"}
            return wiring.store.fail_creation(payment, refusal=gone, cause="settle", now=now)
    except RefusedUpdate as refused:
        return wiring.store.reread(payment, refused)
    return payment


def _clear_missing(payment: Payment, wiring: Wiring) -> Payment:
    if payment.missing_since is not None:
        with contextlib.suppress(RefusedUpdate):
            return wiring.store.clear_missing(payment.out_trade_no)
    return payment


def _look_into_refunds(payment: Payment, wiring: Wiring, may_send: bool) -> Payment:
    """Every refund that is open or undated, each by itself: one that WeChat Pay will not talk about must not hide the others."""
    began = wiring.now()
    asked = open_refunds(payment) + undated_refunds(payment, int(began))
    numbers = sorted(refund.out_refund_no for refund in asked)
    first = (
        int(began) // 60 % max(len(numbers), 1)
    )  # another one first each minute, should there be time for a few only
    trouble: ApiError | None = None
    for number in numbers[first:] + numbers[:first]:
        if wiring.now() - began >= REFUNDS_BUDGET_SECONDS:
            break
        try:
            payment = _look_into_refund(payment, number, wiring, may_send)
        except ApiError as problem:
            trouble = trouble or problem
            payment = wiring.store.reread(payment)
    if payment.held:
        payment = apply_held(payment, wiring)
    if trouble is not None:
        raise trouble
    return payment


def _look_into_refund(payment: Payment, out_refund_no: str, wiring: Wiring, may_send: bool) -> Payment:
    # As the payment has it now: a refund that was sent again meanwhile must not be judged by what it was before.
    refund = payment.refunds[out_refund_no]
    if refund.status.is_final and not is_undated(refund):
        return payment
    known = query_refund(payment, out_refund_no, wiring)
    if known is not None or refund.status.is_final:
        return known or payment
    now = int(wiring.now())
    if not is_to_be_sent(payment.refunds[out_refund_no], now):
        return release_missing(payment, out_refund_no, wiring)
    if not may_send or wiring.settings.refunds_held or now < next_refund(payment):
        return payment
    return _resend(payment, out_refund_no, wiring)


def _resend(payment: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    try:
        return repeat_refund(payment, out_refund_no, wiring)
    except RefusedUpdate as refused:
        return wiring.store.reread(payment, refused)
    except ApiError as problem:
        wiring.pause(seconds_held_after(problem.__cause__))
        raise
