"""Asking WeChat Pay what became of one refund, and giving up a number once it is proven that it never arrived."""

from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import RefundNews, RefundStatus
from payments.core.payment import Payment
from payments.core.schedule import MAX_SEND_SECONDS, MISSING_SECONDS, is_given_up
from payments.use_cases.asking import unanswered_error
from payments.use_cases.refunds.refund_evidence import apply_refund, facts_from_answer
from payments.use_cases.verdicts import Verdict, verdict_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

GIVEN_UP = "GIVEN_UP"  # in place of WeChat Pay's code: it has not taken the refund for too long


def query_refund(payment: Payment, out_refund_no: str, wiring: Wiring) -> Payment | None:
    """Query one refund of `payment` and apply the answer; returns the payment as it is then.

    None when WeChat Pay proves that it has no such refund, which changes nothing: it may only just be arriving there.
    Raises TryAgainError when nobody can tell.
    """
    try:
        members = wiring.wechat.query_refund(out_refund_no)
    except (RefusedError, UnknownOutcomeError) as problem:
        if verdict_of("query_refund", problem) is Verdict.MISSING:
            return None
        raise unanswered_error(problem, "query_refund") from problem
    facts = facts_from_answer(members, payment, out_refund_no)
    _, known = apply_refund(facts, source="query", wiring=wiring, seen=payment)
    return known or payment


def release_missing(payment: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    """WeChat Pay has just proven that it has no such refund: one that nobody will send again ends once that was so twice.

    Both times after every send of it has timed out, and two minutes apart. Returns the payment as it is then.
    """
    now, refund = int(wiring.now()), payment.refunds[out_refund_no]
    if refund.status is not RefundStatus.REQUESTED or not is_given_up(refund, now):
        return payment
    try:
        if refund.refused is None:
            payment = wiring.refunds.mark_refused(payment, out_refund_no, code=GIVEN_UP, unsure=True)
        if now < (refund.sent_at or refund.created_at) + MAX_SEND_SECONDS:
            return payment
        if refund.missing_since is None:
            return wiring.refunds.mark_missing(payment, out_refund_no, now=now)
        if now - refund.missing_since >= MISSING_SECONDS:
            return wiring.refunds.release(payment, out_refund_no, RefundNews("missing", now))
    except RefusedUpdate as refused:
        return wiring.store.reread(payment, refused)
    return payment
