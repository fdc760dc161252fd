"""The one door through which facts about an order change a payment.

A notification, a query and a refused close all end in `apply_order`. It decides by what the payment is now, and never
by the order in which things arrive.
"""

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum

from payments.core.errors import RefusedUpdate
from payments.core.facts import OrderFacts
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.core.schedule import FIRST_CHECK_SECONDS
from payments.wiring import Wiring

# Not paid, or not yet: nothing that contradicts us. All but the first belong to products that we do not offer.
_OPEN = ("NOTPAY", "USERPAYING", "ACCEPT", "PAYERROR", "REVOKED")

MAX_ROUNDS = 5  # of reading and deciding again, before somebody else has to try


class Applied(Enum):
    """What came of a piece of evidence."""

    CHANGED = "changed"
    KNOWN = "known"  # it had been applied before, or says nothing new
    CONTRADICTION = "contradiction"  # quarantined
    UNKNOWN_ORDER = "unknown_order"  # quarantined
    HELD = "held"  # it cannot be applied yet; it is kept with the payment, and tried again by itself
    BUSY = "busy"  # the payment kept moving: try again
    ECHO = "echo"  # one that we asked for: it is noted that it came, and nothing else changes
    OTHER_KIND = "other_kind"  # about no order and no refund of ours; it is kept, and nothing else changes


def apply_order(facts: OrderFacts, *, source: str, wiring: Wiring) -> tuple[Applied, Payment | None]:
    """Apply verified facts about one order. `source` is where they came from: notification, query, close …

    Returns what came of it, and the payment where it was read or written. Raises StorageUnavailableError.
    """
    if facts.says_paid:
        return _money(facts, source, wiring)
    if facts.trade_state == "CLOSED":
        return _closed(facts, source, wiring)
    if facts.trade_state in _OPEN:
        return Applied.KNOWN, None
    _quarantine("unexpected_trade_state", facts, source, wiring)
    return Applied.CONTRADICTION, None


def _money(facts: OrderFacts, source: str, wiring: Wiring) -> tuple[Applied, Payment | None]:
    if not (facts.transaction_id and facts.total is not None and facts.currency):
        _quarantine("incomplete", facts, source, wiring)
        return Applied.CONTRADICTION, None
    late = held = False
    for _ in range(MAX_ROUNDS):
        now = int(wiring.now())
        try:
            payment = wiring.store.record_money(
                facts, cause=source, now=now, late=late, held=held, due_at=now + FIRST_CHECK_SECONDS
            )
        except RefusedUpdate as refused:
            seen = wiring.store.found(facts.out_trade_no, refused)
        else:
            wiring.measure({"PaymentSeconds": payment.updated_at - payment.created_at}, "Seconds")
            if late:
                wiring.count("LatePaid")
            if facts.says_refunded:
                wiring.count("RefundedElsewhere")
            return Applied.CHANGED, payment
        if seen is None:
            _quarantine("unknown_order", facts, source, wiring)
            return Applied.UNKNOWN_ORDER, None
        if reason := _contradiction(facts, seen):
            _quarantine(reason, facts, source, wiring)
            return Applied.CONTRADICTION, seen
        if seen.status.rank >= Status.PAID.rank:
            return _paid_before(seen, wiring, elsewhere=facts.says_refunded)
        held = bool(seen.held)
        late = seen.status in (Status.CLOSED, Status.FAILED)
    return Applied.BUSY, None


def _paid_before(seen: Payment, wiring: Wiring, *, elsewhere: bool) -> tuple[Applied, Payment]:
    if not elsewhere or seen.refunded_elsewhere or seen.refund_count:
        return Applied.KNOWN, seen
    try:
        seen = wiring.store.mark_refunded_elsewhere(seen)
    except RefusedUpdate:  # it has moved: whoever asks next sees what it is then
        return Applied.BUSY, seen
    wiring.count("RefundedElsewhere")
    return Applied.CHANGED, seen


def _contradiction(facts: OrderFacts, seen: Payment) -> str | None:
    if facts.mchid != seen.mchid:
        return "other_mchid"
    if facts.appid != seen.appid:
        return "other_appid"
    if facts.total != seen.amount or facts.currency != seen.currency:
        return "other_amount"
    if seen.transaction_id is not None and facts.transaction_id != seen.transaction_id:
        return "second_transaction"
    return None


def _closed(facts: OrderFacts, source: str, wiring: Wiring) -> tuple[Applied, Payment | None]:
    try:
        payment = wiring.store.confirm_close(facts.out_trade_no, cause=source, now=int(wiring.now()))
    except RefusedUpdate as refused:
        seen = wiring.store.found(facts.out_trade_no, refused)
    else:
        return Applied.CHANGED, payment
    if seen is None:
        _quarantine("unknown_order", facts, source, wiring)
        return Applied.UNKNOWN_ORDER, None
    if seen.status.rank >= Status.PAID.rank:
        _quarantine("closed_after_payment", facts, source, wiring)
        return Applied.CONTRADICTION, seen
    return Applied.KNOWN, seen


def _quarantine(reason: str, facts: OrderFacts, source: str, wiring: Wiring) -> None:
    kept = {name: value for name, value in asdict(facts).items() if name not in ("openid", "unusable")}
    set_aside(reason, kept, source=source, wiring=wiring)


def set_aside(reason: str, facts: Mapping[str, object], *, source: str, wiring: Wiring) -> None:
    """Put facts about an order, which name it, into quarantine and count them."""
    present = {name: value for name, value in facts.items() if value is not None}
    out_trade_no = str(facts["out_trade_no"])
    now = int(wiring.now())
    wiring.quarantine.keep(reason=reason, source=source, out_trade_no=out_trade_no, facts=present, now=now)
    wiring.count("Quarantined", reason=reason)
