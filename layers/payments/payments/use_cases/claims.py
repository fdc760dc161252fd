"""Who sends an order's request right now: one at a time, until the send has ended, or fifteen seconds after its sender died."""

import math
from dataclasses import replace

from payments.core.errors import RefusedUpdate, StorageUnavailableError, TryAgainError
from payments.core.payment import Payment
from payments.use_cases.verdicts import RETRY_SECONDS
from payments.wiring import Wiring

CLAIM_SECONDS = 15  # seconds that a function which sends may live: after that its claim ends by itself
CLAIM_CHECK_SECONDS = 60  # seconds after which a payment that is still being created is looked at


def claim_resend(known: Payment, wiring: Wiring) -> Payment:
    """`known`, with the right to send it. Raises TryAgainError when somebody else has taken that."""
    claim, now = wiring.nonce(), int(wiring.now())
    try:
        return wiring.store.claim(
            known, claim=claim, until=now + CLAIM_SECONDS, due_at=now + CLAIM_CHECK_SECONDS, now=now
        )
    except RefusedUpdate as refused:
        there = wiring.store.reread(known, refused)
        if there.claim == claim:  # our own write went through, and its answer was lost
            return there
        raise being_sent_error(there, wiring) from refused
    except StorageUnavailableError as problem:
        raise not_stored_error(replace(known, claimed_until=now + CLAIM_SECONDS), wiring) from problem


def seconds_left(known: Payment, wiring: Wiring) -> float:
    """Seconds that somebody may still be sending it; nothing, or less, when nobody can."""
    if known.claimed_until is None:
        return 0.0
    return known.claimed_until - wiring.now()


def being_sent_error(known: Payment, wiring: Wiring) -> TryAgainError:
    """What a caller is told who comes while somebody else sends: come again when that has ended for certain."""
    left = max(1, math.ceil(seconds_left(known, wiring)))
    return TryAgainError("The same order is being sent right now.", retry_after=left)


def not_stored_error(claimed: Payment, wiring: Wiring) -> TryAgainError:
    """Whether our claim was written down is not known; until it ends, nobody is sent."""
    left = max(RETRY_SECONDS, math.ceil(seconds_left(claimed, wiring)))
    return TryAgainError("The payment's storage did not answer.", retry_after=left)


def give_up_claim(payment: Payment, wiring: Wiring) -> bool:
    """Let whoever comes next send at once. Returns whether they can: not where our claim may still be written down."""
    try:
        wiring.store.give_up_claim(payment.out_trade_no, claim=payment.claim)
    except RefusedUpdate:
        pass  # settled, or somebody else's by now
    except StorageUnavailableError:
        return False
    return True
