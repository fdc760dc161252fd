"""What WeChat Pay says of one refund, and the one door through which it changes a payment."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from payments.core.errors import RefusedUpdate, TryAgainError
from payments.core.facts import RefundFacts, UnusableFactsError
from payments.core.lifecycle import (
    MAX_REFUNDS,
    REFUND_ACCEPTED,
    REFUND_STUCK,
    RefundNews,
    RefundStatus,
    Status,
)
from payments.core.payment import Payment, Refund
from payments.core.schedule import FIRST_CHECK_SECONDS
from payments.use_cases.evidence import MAX_ROUNDS, Applied, set_aside
from payments.wiring import Wiring

STATUSES = {
    "PROCESSING": RefundStatus.PROCESSING,
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CLOSED": RefundStatus.CLOSED,
    "ABNORMAL": RefundStatus.ABNORMAL,
}


def facts_from_answer(members: Mapping[str, object], payment: Payment, out_refund_no: str) -> RefundFacts:
    """The facts in WeChat Pay's answer about this refund of this payment. Raises TryAgainError when they are not."""
    try:
        facts = RefundFacts.of(members)
    except UnusableFactsError as problem:
        raise TryAgainError("WeChat Pay's answer about the refund cannot be used.") from problem
    if (facts.out_trade_no, facts.out_refund_no) != (payment.out_trade_no, out_refund_no):
        raise TryAgainError("WeChat Pay answered for another refund.")
    return facts


def apply_refund(
    facts: RefundFacts, *, source: str, wiring: Wiring, seen: Payment | None = None, answering: bool = False
) -> tuple[Applied, Payment | None]:
    """Apply verified facts about one refund. `source`: notification, query, refund or abnormal_refund (answers to ours).

    `seen` is the payment where the caller has just read it, which saves a read; `answering` tells that whoever asked for
    the refund first is being answered with these facts. Returns what came of it and the payment as last seen.
    What cannot be applied yet is held. Raises StorageUnavailableError.
    """
    applied, payment = _apply(facts, source, wiring, seen, answering)
    if applied is Applied.HELD and payment is not None:
        return hold(facts, payment, wiring)
    if applied is Applied.CHANGED and payment is not None and payment.held:
        payment = apply_held(payment, wiring)
    return applied, payment


def apply_held(payment: Payment, wiring: Wiring) -> Payment:
    """Apply what is held with a payment, as far as that can be done now; returns the payment as it is then."""
    for text in payment.held:
        facts = RefundFacts(**json.loads(text))
        applied, known = _apply(facts, "held", wiring, payment, answering=False)
        payment = known or payment
        if applied not in (Applied.HELD, Applied.BUSY):
            left = [other for other in payment.held if other != text]
            try:
                payment = wiring.store.hold(payment, left, due_at=int(wiring.now()) + FIRST_CHECK_SECONDS)
            except RefusedUpdate as refused:  # more is held by now: it is tried again with that
                return wiring.store.reread(payment, refused)
    return payment


def set_aside_held(payment: Payment, wiring: Wiring) -> Payment:
    """Leave what is held to a person: WeChat Pay itself says that the order was never paid. Returns the payment then."""
    for text in payment.held:
        set_aside("refund_of_unpaid_order", json.loads(text), source="held", wiring=wiring)
    try:
        return wiring.store.hold(payment, [], due_at=0)
    except RefusedUpdate as refused:  # more is held by now: the next look finds it
        return wiring.store.reread(payment, refused)


def hold(facts: RefundFacts, payment: Payment, wiring: Wiring) -> tuple[Applied, Payment | None]:
    """Keep facts with the payment, once, to be tried again by itself; BUSY when that does not come about."""
    # What came later than others is left out where it is not told: then it is the text that may be held already.
    later = ("payer_refund", "create_time")
    told = {name: value for name, value in asdict(facts).items() if value is not None or name not in later}
    text = json.dumps(told, sort_keys=True)
    known = payment
    for _ in range(MAX_ROUNDS):
        if len(known.held) >= MAX_REFUNDS:
            break
        if text in known.held:
            return Applied.HELD, known
        try:
            kept = wiring.store.hold(
                known, [*known.held, text], due_at=int(wiring.now()) + FIRST_CHECK_SECONDS
            )
        except RefusedUpdate as refused:
            known = wiring.store.reread(payment, refused)
            continue
        wiring.count("EvidenceHeld")
        return Applied.HELD, kept
    return Applied.BUSY, known


def _apply(
    facts: RefundFacts, source: str, wiring: Wiring, seen: Payment | None, answering: bool
) -> tuple[Applied, Payment | None]:
    changed = False
    # Read before WeChat Pay was asked: only then is its PROCESSING news about a refund that we know as ABNORMAL.
    asked_since = seen is not None and source in ("query", "abnormal_refund")
    for _ in range(MAX_ROUNDS):
        seen = seen or wiring.store.get(facts.out_trade_no)
        if seen is None:
            set_aside("unknown_order", asdict(facts), source=source, wiring=wiring)
            return Applied.UNKNOWN_ORDER, None
        if seen.status.rank < Status.PAID.rank:
            return Applied.HELD, seen
        if reason := contradiction(facts, seen):
            set_aside(reason, asdict(facts), source=source, wiring=wiring)
            return Applied.CONTRADICTION, seen
        if facts.out_refund_no not in seen.refunds and STATUSES[facts.status] is RefundStatus.CLOSED:
            return Applied.KNOWN, seen  # somebody else's, and it has moved no money
        if facts.out_refund_no not in seen.refunds and facts.amount > seen.refundable:
            # Reserved by a refund of ours that WeChat Pay may yet refuse, for this one was first.
            return Applied.HELD, seen
        try:
            if facts.out_refund_no not in seen.refunds:
                seen = _adopt(facts, seen, source, wiring)
                changed = True
            moved = _step(facts, seen, source, wiring, answering, asked_since=asked_since)
        except RefusedUpdate as refused:
            seen, asked_since = refused.payment, False
            continue
        known = moved or _with_create_time(facts, seen, wiring)
        return (Applied.CHANGED if moved or changed else Applied.KNOWN), known
    return Applied.BUSY, None


def payer_amount(facts: RefundFacts, seen: Payment) -> int | None:
    """What the buyer gets of this refund, in fen, where coupons paid a part of the order; None where nothing tells."""
    with_coupons = seen.payer_total is not None or facts.payer_refund != facts.amount
    return facts.payer_refund if with_coupons else None


def contradiction(facts: RefundFacts, seen: Payment) -> str | None:
    """Why these facts cannot be true of a paid order as we know it; None when they can."""
    if facts.mchid is not None and facts.mchid != seen.mchid:
        return "other_mchid"
    if facts.transaction_id != seen.transaction_id or facts.total != seen.amount:
        return "other_order"
    if facts.status not in STATUSES:
        return "unexpected_refund_status"
    refund = seen.refunds.get(facts.out_refund_no)
    if refund is None and STATUSES[facts.status] is RefundStatus.CLOSED:
        return None
    if refund is None:
        # Of what is under way none may have moved money yet, and none may ever: it is in the way, and no contradiction.
        left = seen.paid - seen.refunded
        room = 0 < facts.amount <= left and seen.refund_count < MAX_REFUNDS
        return None if room else "refund_beyond_payment"
    if refund.amount != facts.amount:
        return "other_refund_amount"
    if refund.refund_id is not None and refund.refund_id != facts.refund_id:
        return "second_refund"
    if refund.status.is_final and STATUSES[facts.status].is_final and refund.status != STATUSES[facts.status]:
        return "contradiction_after_final"
    return None


def _adopt(facts: RefundFacts, seen: Payment, source: str, wiring: Wiring) -> Payment:
    """Write down a refund that somebody made in the merchant console or another system."""
    now = int(wiring.now())
    refund = Refund(facts.out_refund_no, RefundStatus.REQUESTED, facts.amount, now, elsewhere=True)
    return wiring.refunds.reserve(
        seen, refund, cause=source, due_at=now + FIRST_CHECK_SECONDS, now=now, same_version=True
    )


def _with_create_time(facts: RefundFacts, seen: Payment, wiring: Wiring) -> Payment:
    """The payment with the moment of a refund that has not moved, where only a notification had told of it so far."""
    if facts.create_time is None or seen.refunds[facts.out_refund_no].create_time is not None:
        return seen
    try:
        return wiring.refunds.record_create_time(seen, facts.out_refund_no, facts.create_time)
    except RefusedUpdate as refused:  # somebody else has written it
        return wiring.store.reread(seen, refused)


def _step(
    facts: RefundFacts, seen: Payment, source: str, wiring: Wiring, answering: bool, *, asked_since: bool
) -> Payment | None:
    """The payment after this refund moved, or None when the facts say nothing new."""
    now, number = int(wiring.now()), facts.out_refund_no
    stands, says = seen.refunds[number].status, STATUSES[facts.status]
    if stands.is_final or stands == says:
        return None
    news = RefundNews(
        source,
        now,
        facts.refund_id,
        facts.user_received_account,
        payer_amount(facts, seen),
        answering,
        facts.create_time,
        facts.success_time,
    )
    if says is RefundStatus.SUCCEEDED:
        return wiring.refunds.settle_success(seen, number, news)
    if says is RefundStatus.CLOSED:
        return wiring.refunds.release(seen, number, news)
    if says is RefundStatus.PROCESSING and stands is RefundStatus.ABNORMAL:
        return wiring.refunds.record_sent_on(seen, number, news) if asked_since else None
    edge = REFUND_STUCK if says is RefundStatus.ABNORMAL else REFUND_ACCEPTED
    return wiring.refunds.advance(seen, number, edge, news) if stands in edge.sources else None
