"""A refund that the bank did not take, sent on: to a card of the buyer's, or back to the merchant."""

import contextlib
from dataclasses import replace

from payments.core.errors import (
    ApiError,
    RefundNotAbnormalError,
    RefundNotFoundError,
    StorageUnavailableError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.core.facts import RefundFacts
from payments.core.lifecycle import RefundStatus
from payments.core.payment import Payment, Refund
from payments.use_cases.evidence import Applied
from payments.use_cases.refunds.refund_asking import query_refund
from payments.use_cases.refunds.refund_evidence import (
    STATUSES,
    apply_refund,
    contradiction,
    facts_from_answer,
    payer_amount,
)
from payments.use_cases.refunds.refunding import HELD_BACK, HELD_BACK_SECONDS
from payments.use_cases.verdicts import Verdict, retry_after_of, verdict_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError
from wechatpay.sensitive_calls import BankCard, apply_abnormal_refund


def send_on(seen: Payment, out_refund_no: str, card: BankCard | None, wiring: Wiring) -> Payment:
    """Have WeChat Pay send an ABNORMAL refund of `seen` to this card, or without one to the merchant's own account.

    Returns the payment with WeChat Pay's word of the refund, which is written down as far as that can be done. Nothing of
    the card is kept: a repetition brings it again, and moves no money twice, for WeChat Pay takes it only while the refund
    is ABNORMAL.
    Raises RefundNotFoundError, RefundNotAbnormalError; WeChatRefusedError when it has not been taken, for good;
    TryAgainError when nobody knows, or WeChat Pay does not take it now. Source: WeChat Pay APIv3, "Abnormal refund".
    """
    if out_refund_no not in seen.refunds:
        raise RefundNotFoundError("The order has no such refund.")
    # What we know may be old: the news that it is ABNORMAL may not have reached us yet.
    if seen.refunds[out_refund_no].status is not RefundStatus.ABNORMAL:
        seen = _as_it_is_now(seen, out_refund_no, wiring)
    refund = _abnormal(seen, out_refund_no)
    if wiring.settings.refunds_held:
        raise TryAgainError(
            f"{HELD_BACK}; nothing was sent on, and nothing is kept.", retry_after=HELD_BACK_SECONDS
        )
    try:
        members = apply_abnormal_refund(
            wiring.wechat,
            refund.refund_id or "",
            out_refund_no=out_refund_no,
            card=card,
            serial=wiring.secrets.keys.for_encryption,
        )
    except UnknownOutcomeError as unknown:
        raise _unknown(unknown) from unknown
    except RefusedError as refused:
        raise _refusal(seen, out_refund_no, refused, wiring) from refused
    facts = facts_from_answer(members, seen, out_refund_no)
    _write_down(facts, seen, wiring)
    told = replace(
        refund,
        status=STATUSES[facts.status],
        user_received_account=facts.user_received_account,
        payer_amount=payer_amount(facts, seen),
    )
    return replace(seen, refunds={**seen.refunds, out_refund_no: told})


def _as_it_is_now(seen: Payment, out_refund_no: str, wiring: Wiring) -> Payment:
    if seen.refunds[out_refund_no].status.is_final:
        return seen
    return query_refund(seen, out_refund_no, wiring) or seen


def _abnormal(seen: Payment, out_refund_no: str) -> Refund:
    refund = seen.refunds[out_refund_no]
    if refund.status is not RefundStatus.ABNORMAL:
        sentence = f"The refund is {refund.status.word}: only one that is ABNORMAL can be sent on."
        if refund.status is not RefundStatus.CLOSED:
            sentence += " An earlier try, or somebody in the merchant platform, may have done that."
        raise RefundNotAbnormalError(sentence, details={"status": refund.status.word})
    return refund


def _refusal(seen: Payment, out_refund_no: str, refused: RefusedError, wiring: Wiring) -> ApiError:
    """What the caller is told of a refusal, which may only mean that an earlier try was taken."""
    verdict = verdict_of("abnormal_refund", refused)
    if verdict is Verdict.TO_BE_ASKED:
        _abnormal(_as_it_is_now(seen, out_refund_no, wiring), out_refund_no)
        if not refused.after_unknown:
            verdict = Verdict.REFUSED
    if verdict is not Verdict.REFUSED:
        return _unknown(refused)
    named = {"wechatCode": refused.code, "requestId": refused.request_id}
    return WeChatRefusedError(
        "WeChat Pay did not send the refund on.",
        details={name: value for name, value in named.items() if value is not None},
    )


def _unknown(problem: RefusedError | UnknownOutcomeError) -> TryAgainError:
    return TryAgainError(
        "WeChat Pay did not give a certain answer: the refund may be on its way or not. Repeat the same call; it moves no "
        "money twice.",
        details={} if problem.code is None else {"wechatCode": problem.code},
        retry_after=retry_after_of("abnormal_refund", problem),
    )


def _write_down(facts: RefundFacts, seen: Payment, wiring: Wiring) -> None:
    """WeChat Pay has taken it, whether that can be written down or not; `settle` finds it by itself."""
    with contextlib.suppress(StorageUnavailableError):
        applied, known = apply_refund(facts, source="abnormal_refund", wiring=wiring, seen=seen)
        if applied is Applied.KNOWN and known is not None:  # somebody moved the payment meanwhile: once more
            with contextlib.suppress(TryAgainError):
                _as_it_is_now(known, facts.out_refund_no, wiring)
    if contradiction(facts, seen) is not None:
        raise TryAgainError(
            "WeChat Pay answered for a refund that is not as we know it; it is being looked into."
        )
