"""What WeChat Pay says of one refund, and the one door through which it changes a payment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from payments.due import FIRST_CHECK
from payments.errors import TryAgainError
from payments.evidence import ROUNDS, Applied, UnusableFactsError, optional, required, set_aside, whole
from payments.items import RefusedUpdate
from payments.lifecycle import (
    MAX_REFUNDS,
    REFUND_ACCEPTED,
    REFUND_STUCK,
    RefundEdge,
    RefundStatus,
    Status,
)
from payments.payment import Payment, Refund
from payments.wiring import Wiring

_STATUSES = {
    "PROCESSING": RefundStatus.PROCESSING,
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CLOSED": RefundStatus.CLOSED,
    "ABNORMAL": RefundStatus.ABNORMAL,
}


@dataclass(frozen=True)
class RefundFacts:
    """What WeChat Pay says of one refund; amounts in fen. Source: APIv3, "Refund", "Refund result notification"."""

    out_trade_no: str
    out_refund_no: str
    refund_id: str
    transaction_id: str
    status: str
    amount: int
    total: int
    mchid: str | None = None  # a notification has it, the refund object has not
    success_time: str | None = None

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "RefundFacts":
        """From a refund object (`status`) or a decrypted notification (`refund_status`). Raises UnusableFactsError."""
        amount = members.get("amount")
        amount = amount if isinstance(amount, dict) else {}
        refund, total = whole(amount, "refund"), whole(amount, "total")
        if refund is None or total is None:
            raise UnusableFactsError("amount is missing")
        return cls(
            out_trade_no=required(members, "out_trade_no"),
            out_refund_no=required(members, "out_refund_no"),
            refund_id=required(members, "refund_id"),
            transaction_id=required(members, "transaction_id"),
            status=required(members, "refund_status" if "refund_status" in members else "status"),
            amount=refund,
            total=total,
            mchid=optional(members, "mchid"),
            success_time=optional(members, "success_time"),
        )


def answered(members: Mapping[str, object], payment: Payment, out_refund_no: str) -> RefundFacts:
    """The facts in WeChat Pay's answer about this refund of this payment. Raises TryAgainError when they are not."""
    try:
        facts = RefundFacts.of(members)
    except UnusableFactsError as problem:
        raise TryAgainError("WeChat Pay's answer cannot be used; the refund is kept.") from problem
    if (facts.out_trade_no, facts.out_refund_no) != (payment.out_trade_no, out_refund_no):
        raise TryAgainError("WeChat Pay answered for another refund; ours is kept.")
    return facts


def apply_refund(
    facts: RefundFacts, *, source: str, wiring: Wiring, seen: Payment | None = None
) -> tuple[Applied, Payment | None]:
    """Apply verified facts about one refund, also of one that was made elsewhere and is not known yet.

    `seen` is the payment where the caller has just read it, which saves a read. Returns what came of it and the payment as last seen. BUSY when the payment itself is not known to be paid yet.
    Raises StorageUnavailableError.
    """
    changed = False
    for _ in range(ROUNDS):
        seen = seen or wiring.store.get(facts.out_trade_no)
        if seen is None:
            set_aside("unknown_order", asdict(facts), source=source, wiring=wiring)
            return Applied.UNKNOWN_ORDER, None
        if seen.status.rank < Status.PAID.rank:
            return Applied.BUSY, seen
        if reason := _contradiction(facts, seen):
            set_aside(reason, asdict(facts), source=source, wiring=wiring)
            return Applied.CONTRADICTION, seen
        if facts.out_refund_no not in seen.refunds and facts.amount > seen.refundable:
            # Reserved by a refund of ours that WeChat Pay may yet refuse, for this one was first: it has to come again.
            return Applied.BUSY, seen
        try:
            if facts.out_refund_no not in seen.refunds:
                seen = _adopt(facts, seen, source, wiring)
                changed = True
            moved = _step(facts, seen, source, wiring)
        except RefusedUpdate:
            seen = None
            continue
        return (Applied.CHANGED if moved or changed else Applied.KNOWN), moved or seen
    return Applied.BUSY, None


def _contradiction(facts: RefundFacts, seen: Payment) -> str | None:
    if facts.mchid is not None and facts.mchid != seen.mchid:
        return "other_mchid"
    if facts.transaction_id != seen.transaction_id or facts.total != seen.amount:
        return "other_order"
    if facts.status not in _STATUSES:
        return "unexpected_refund_status"
    refund = seen.refunds.get(facts.out_refund_no)
    if refund is None:
        accepted = sum(
            known.amount
            for known in seen.refunds.values()
            if known.status in (RefundStatus.PROCESSING, RefundStatus.ABNORMAL)
        )
        left = seen.paid - seen.refunded - accepted
        room = 0 < facts.amount <= left and seen.refund_count < MAX_REFUNDS
        return None if room else "refund_beyond_payment"
    if refund.amount != facts.amount:
        return "other_refund_amount"
    if refund.refund_id is not None and refund.refund_id != facts.refund_id:
        return "second_refund"
    if (
        refund.status.is_final
        and _STATUSES[facts.status].is_final
        and refund.status != _STATUSES[facts.status]
    ):
        return "contradiction_after_final"
    return None


def _adopt(facts: RefundFacts, seen: Payment, source: str, wiring: Wiring) -> Payment:
    """Write down a refund that somebody made in the merchant console or another system."""
    now = int(wiring.now())
    refund = Refund(facts.out_refund_no, RefundStatus.REQUESTED, facts.amount, now, elsewhere=True)
    return wiring.refunds.reserve(
        seen, refund, cause=source, due_at=now + FIRST_CHECK, now=now, same_version=True
    )


def _step(facts: RefundFacts, seen: Payment, source: str, wiring: Wiring) -> Payment | None:
    """The payment after this refund moved, or None when the facts say nothing new."""
    now, number = int(wiring.now()), facts.out_refund_no
    stands, says = seen.refunds[number].status, _STATUSES[facts.status]
    if stands.is_final or stands == says:
        return None
    if says is RefundStatus.SUCCEEDED:
        return wiring.refunds.succeeded(seen, number, refund_id=facts.refund_id, cause=source, now=now)
    if says is RefundStatus.CLOSED:
        return wiring.refunds.released(seen, number, refund_id=facts.refund_id, cause=source, now=now)
    edge: RefundEdge = REFUND_STUCK if says is RefundStatus.ABNORMAL else REFUND_ACCEPTED
    if stands not in edge.sources:
        return None
    return wiring.refunds.moved(seen, number, edge, refund_id=facts.refund_id, cause=source, now=now)
