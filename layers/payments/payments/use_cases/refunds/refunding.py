"""Refunding: set the money aside, write the exact request down, send it, record the answer."""

import contextlib
from dataclasses import dataclass, replace

from payments.core import identifiers
from payments.core.errors import (
    RateLimitedError,
    RefusedUpdate,
    StorageUnavailableError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.core.facts import RefundFacts
from payments.core.lifecycle import RefundStatus
from payments.core.payment import Payment, Refund
from payments.core.schedule import FIRST_CHECK_SECONDS, is_given_up, next_question
from payments.core.times import beijing_day, beijing_midnight
from payments.use_cases.evidence import Applied
from payments.use_cases.refunds.refund_asking import query_refund, release_missing
from payments.use_cases.refunds.refund_evidence import (
    STATUSES,
    apply_refund,
    contradiction,
    facts_from_answer,
    payer_amount,
)
from payments.use_cases.refunds.refund_wish import Wish, find_same_refund, plan_refund
from payments.use_cases.verdicts import LONG_RETRY_SECONDS, RETRY_SECONDS, Verdict, retry_after_of, verdict_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

MAX_WAIT_SECONDS = 6.0  # seconds for finding one's place among parallel refunds
HELD_BACK = "Refunds are held back until the books are compared"
HELD_BACK_SECONDS = 600  # seconds until a caller asks again whether they go out
MAX_DOUBTS = 3  # refusals without a signature, after which a number is not sent any more


@dataclass(frozen=True)
class RefundOutcome:
    """The payment with the refund in it, and whether the refund had been asked for before."""

    payment: Payment
    out_refund_no: str
    duplicate: bool


def refund_payment(seen: Payment, wish: Wish, wiring: Wiring) -> RefundOutcome:
    """Refund a part of the payment `seen`, or find the refund that this wish repeats.

    Raises RefundNotAllowedError, RefundExceedsError, RateLimitedError, IdempotencyMismatchError; WeChatRefusedError when
    this number will never be paid; TryAgainError when nobody knows, or WeChat Pay does not take it now.
    """
    started, claim = wiring.now(), wiring.nonce()
    counted = False
    while True:
        known = find_same_refund(seen, wish, now=wiring.now())
        if known is not None and known.claim == claim:
            # Our own reservation went through, and its answer was lost.
            return RefundOutcome(_send(seen, known, wiring, first=True), known.out_refund_no, duplicate=False)
        try:
            if known is not None:
                return RefundOutcome(_repeat(seen, known, wish, wiring), known.out_refund_no, duplicate=True)
            if wiring.settings.refunds_held:
                raise TryAgainError(f"{HELD_BACK}; this one is not kept.", retry_after=HELD_BACK_SECONDS)
            now = int(wiring.now())
            refund = plan_refund(seen, wish, notify_url=wiring.settings.notify_url, claim=claim, now=now)
            if not counted:
                _count(wish.caller, refund.out_refund_no, now, wiring)
                counted = True
            reserved = wiring.refunds.reserve(
                seen, refund, cause="refund", due_at=now + FIRST_CHECK_SECONDS, now=now
            )
        except RefusedUpdate as refused:
            if wiring.now() - started > MAX_WAIT_SECONDS:
                raise TryAgainError("Other refunds of this order are under way.") from None
            seen = wiring.store.reread(seen, refused)
            continue
        return RefundOutcome(
            _send(reserved, refund, wiring, first=True), refund.out_refund_no, duplicate=False
        )


def repeat_refund(seen: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    """Send a refund's frozen request again, under the same number. RefusedUpdate when somebody else just did.

    Raises TryAgainError for every answer that is no success: an earlier send may have been taken.
    """
    claim = wiring.nonce()
    try:
        sending = wiring.refunds.claim_resend(seen, out_refund_no, claim=claim, now=int(wiring.now()))
    except RefusedUpdate as refused:
        sending = wiring.store.reread(seen, refused)
        if sending.refunds[out_refund_no].claim != claim:  # somebody else's turn, or WeChat Pay has it by now
            raise
        # Our own write went through, and its answer was lost.
    return _send(sending, sending.refunds[out_refund_no], wiring, first=False)


def _repeat(seen: Payment, known: Refund, wish: Wish, wiring: Wiring) -> Payment:
    """A refund that was asked for before: as it is, or with an answer that was still missing."""
    now, number = int(wiring.now()), known.out_refund_no
    if known.status is RefundStatus.CLOSED:
        return _mark_answered(seen, number, wiring)  # nothing was paid: asking once more may begin another
    if wish.key is None and known.unanswered_by == identifiers.caller_hash(wish.caller):
        seen = wiring.refunds.record_repetition(seen, number, caller=known.unanswered_by, now=now)
    if known.elsewhere or known.status is not RefundStatus.REQUESTED:
        return seen
    if known.refused is not None and not known.unsure:
        raise _last_word_error(known, known.refused)
    if wiring.settings.refunds_held:
        raise _kept_error(f"{HELD_BACK}; this one is kept.", known, HELD_BACK_SECONDS)
    if not is_given_up(known, now):
        # WeChat Pay has not answered for it yet: the same bytes again do no harm, and may bring the answer.
        return repeat_refund(seen, number, wiring)
    found = query_refund(seen, number, wiring)
    found = release_missing(seen, number, wiring) if found is None else found
    refund = found.refunds[number]
    if refund.status is RefundStatus.REQUESTED:
        wait = max(RETRY_SECONDS, next_question(refund, now) - now)
        raise _kept_error(
            "WeChat Pay refused the refund; whether it was taken before is being asked.", refund, wait
        )
    return found


def _count(caller: str, out_refund_no: str, now: int, wiring: Wiring) -> None:
    most, today = wiring.settings.refunds_per_day, beijing_day(now)
    try:
        wiring.allowances.count_refund(caller, out_refund_no, most=most, day=today, now=now)
    except RefusedUpdate as reached:
        raise RateLimitedError(
            f"The caller has asked for {most} refunds today.", retry_after=beijing_midnight(today + 1) - now
        ) from reached


def _send(payment: Payment, refund: Refund, wiring: Wiring, *, first: bool) -> Payment:
    """Put the frozen request to WeChat Pay and apply what it says; `first` when it was never sent before.

    The money stays set aside after a refusal too: another send of the same number may be on its way, so only somebody
    who asks later may release it.
    """
    try:
        members = wiring.wechat.refund((refund.wechat_request or "").encode())
    except UnknownOutcomeError as unknown:
        raise _kept_error_after(unknown, refund) from unknown
    except RefusedError as refused:
        return _take_refusal(payment, refund, refused, wiring, first=first)
    facts = facts_from_answer(members, payment, refund.out_refund_no)
    try:
        return _record(facts, payment, wiring, first=first)
    except StorageUnavailableError:
        if contradiction(facts, payment) is not None:
            raise
        # WeChat Pay has taken it, whether that could be written down or not; `settle` finds it by itself.
        told = replace(
            refund,
            status=STATUSES[facts.status],
            refund_id=facts.refund_id,
            payer_amount=payer_amount(facts, payment),
        )
        return replace(payment, refunds={**payment.refunds, refund.out_refund_no: told})


def _record(facts: RefundFacts, payment: Payment, wiring: Wiring, *, first: bool) -> Payment:
    applied, known = apply_refund(facts, source="refund", wiring=wiring, seen=payment, answering=first)
    if applied not in (Applied.CHANGED, Applied.KNOWN) or known is None:
        raise TryAgainError("The refund is kept; its state is being looked into.")
    return _mark_answered(known, facts.out_refund_no, wiring) if first else known


def _mark_answered(known: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    """Whoever asked without a key is being answered for good; what they ask next is another refund."""
    caller = known.refunds[out_refund_no].unanswered_by
    if caller is None:
        return known
    with contextlib.suppress(RefusedUpdate):
        return wiring.refunds.mark_answered(known, out_refund_no, caller=caller)
    return known


def _take_refusal(
    payment: Payment, refund: Refund, refused: RefusedError, wiring: Wiring, *, first: bool
) -> Payment:
    """Only a signed refusal of the very first send is the last word; after any other the refund is asked about.

    Returns the payment when WeChat Pay turns out to have the refund. Raises WeChatRefusedError, TryAgainError.
    """
    number, verdict = refund.out_refund_no, verdict_of("refund", refused, first=first)
    if verdict is Verdict.NOT_NOW:
        raise _kept_error_after(refused, refund) from refused
    if verdict is Verdict.TO_BE_ASKED:
        with contextlib.suppress(TryAgainError):
            known = query_refund(payment, number, wiring)
            if known is not None and known.refunds[number].status is not RefundStatus.REQUESTED:
                return known
            if known is None and first and not refused.after_unknown:
                verdict = Verdict.REFUSED
    with contextlib.suppress(RefusedUpdate):  # sent again since, or settled: then this is not the last word
        if verdict is Verdict.UNKNOWN and refund.doubts + 1 < MAX_DOUBTS:
            wiring.refunds.count_doubt(payment, number)
        else:
            unsure = verdict is not Verdict.REFUSED
            wiring.refunds.mark_refused(payment, number, code=refused.code, unsure=unsure)
            if not unsure:
                raise _last_word_error(refund, refused.code, refused.request_id) from refused
    sentence = "WeChat Pay refused the refund, and that is not certain yet; it is kept."
    raise _kept_error(sentence, refund, LONG_RETRY_SECONDS, code=refused.code) from refused


def _last_word_error(refund: Refund, code: str, request_id: str | None = None) -> WeChatRefusedError:
    named = {"wechatCode": code, "requestId": request_id, "outRefundNo": refund.out_refund_no}
    details: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    return WeChatRefusedError("WeChat Pay did not take the refund.", details=details)


def _kept_error_after(problem: RefusedError | UnknownOutcomeError, refund: Refund) -> TryAgainError:
    if verdict_of("refund", problem) is Verdict.NOT_NOW:
        sentence = "WeChat Pay does not take the refund now; it is kept and will be sent again."
        return _kept_error(sentence, refund, LONG_RETRY_SECONDS, code=problem.code or "FREQUENCY_LIMITED")
    sentence = "WeChat Pay did not give a certain answer; the refund is kept."
    return _kept_error(sentence, refund, retry_after_of("refund", problem))


def _kept_error(sentence: str, refund: Refund, wait: int, code: str | None = None) -> TryAgainError:
    details: dict[str, object] = {"outRefundNo": refund.out_refund_no}
    if code is not None:
        details["wechatCode"] = code
    return TryAgainError(sentence, details=details, retry_after=wait)
