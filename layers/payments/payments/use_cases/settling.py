"""Settling: find out by ourselves what became of a payment or a refund that nobody told us about.

All of it ends in the same two doors for evidence. What WeChat Pay says that it never received is given up only once no
send of it can still be on its way.
"""

import contextlib
from collections.abc import Callable

from payments.core.errors import ApiError, OrderPaidError, RefusedUpdate
from payments.core.lifecycle import Status
from payments.core.pacing import held_after
from payments.core.payment import Payment
from payments.core.schedule import (
    AFTER_EXPIRY,
    MISSING_FOR,
    SEND_LASTS,
    is_to_be_sent,
    next_look,
    next_refund,
    open_refunds,
)
from payments.use_cases.asking import ask
from payments.use_cases.closing import close_order
from payments.use_cases.refunds.refund_asking import ask_refund, release_missing
from payments.use_cases.refunds.refund_evidence import apply_held, set_aside_held
from payments.use_cases.refunds.refunding import repeat_refund
from payments.wiring import Wiring
from wechatpay.errors import RefusedError

BUDGET = 10  # seconds for the open refunds of one payment; the rest is looked at next time


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
        payment = _looked_into(payment, wiring, may_send)
        answered = True
    except ApiError as problem:
        answered = isinstance(problem.__cause__, RefusedError) and problem.__cause__.proven
        payment = wiring.store.again(payment)  # what was sent in this look decides about the next
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
            wiring.store.looked_into(payment, due_at=at, answered=answered)
        elif payment.due_at is not None:
            wiring.store.nothing_due(payment)


def _looked_into(payment: Payment, wiring: Wiring, may_send: bool) -> Payment:
    if payment.status.rank >= Status.PAID.rank:
        return _refunds_looked_into(payment, wiring, may_send)
    known = ask(payment, wiring)
    payment = _missing(payment, wiring) if known is None else _sighted(known, wiring)
    if payment.held and payment.status in (Status.CLOSED, Status.FAILED):
        return set_aside_held(payment, wiring)
    expired = wiring.now() >= payment.time_expire + AFTER_EXPIRY
    if payment.status is Status.CLOSING or (expired and not payment.status.is_final):
        try:
            return close_order(payment, wiring)
        except OrderPaidError:
            return wiring.store.again(payment)
    return payment


def _missing(payment: Payment, wiring: Wiring) -> Payment:
    """WeChat Pay has no such order: it ends once it keeps saying so and nothing can still be on its way."""
    now = int(wiring.now())
    # A credential that was handed out proves that WeChat Pay had the order, and can be paid by until its time is over.
    payable = payment.credential_expires_at is not None and now < payment.time_expire + AFTER_EXPIRY
    ends = payment.status in (Status.CREATING, Status.CLOSING) and not payable
    if not ends or now < payment.sent_at + SEND_LASTS:
        return payment
    try:
        if payment.missing_since is None:
            wiring.store.missing(payment, now=now)
        elif now - payment.missing_since < MISSING_FOR:
            return payment
        elif payment.status is Status.CLOSING:
            return wiring.store.close_confirmed(payment.out_trade_no, cause="settle", now=now)
        else:
            gone = {"wechatCode": "ORDER_NOT_EXIST"}
            return wiring.store.creation_refused(payment, refusal=gone, cause="settle", now=now)
    except RefusedUpdate:
        return wiring.store.again(payment)
    return payment


def _sighted(payment: Payment, wiring: Wiring) -> Payment:
    if payment.missing_since is not None:
        with contextlib.suppress(RefusedUpdate):
            return wiring.store.sighted(payment.out_trade_no)
    return payment


def _refunds_looked_into(payment: Payment, wiring: Wiring, may_send: bool) -> Payment:
    """Every open refund, each by itself: one that WeChat Pay will not talk about must not hide the others."""
    began = wiring.now()
    numbers = sorted(refund.out_refund_no for refund in open_refunds(payment))
    first = (
        int(began) // 60 % max(len(numbers), 1)
    )  # another one first each minute, should there be time for a few only
    trouble: ApiError | None = None
    for number in numbers[first:] + numbers[:first]:
        if wiring.now() - began >= BUDGET:
            break
        try:
            payment = _refund_looked_into(payment, number, wiring, may_send)
        except ApiError as problem:
            trouble = trouble or problem
            payment = wiring.store.again(payment)
    if payment.held:
        payment = apply_held(payment, wiring)
    if trouble is not None:
        raise trouble
    return payment


def _refund_looked_into(payment: Payment, out_refund_no: str, wiring: Wiring, may_send: bool) -> Payment:
    # As the payment has it now: a refund that was sent again meanwhile must not be judged by what it was before.
    if payment.refunds[out_refund_no].status.is_final:
        return payment
    known = ask_refund(payment, out_refund_no, wiring)
    if known is not None:
        return known
    now = int(wiring.now())
    if not is_to_be_sent(payment.refunds[out_refund_no], now):
        return release_missing(payment, out_refund_no, wiring)
    if not may_send or wiring.settings.refunds_held or now < next_refund(payment):
        return payment
    return _sent_again(payment, out_refund_no, wiring)


def _sent_again(payment: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    try:
        return repeat_refund(payment, out_refund_no, wiring)
    except RefusedUpdate:
        return wiring.store.again(payment)
    except ApiError as problem:
        wiring.pause(held_after(problem.__cause__))
        raise
