"""Keeping a checkout: what is to be paid is written down, and nobody is asked for anything."""

from payments.core.checkouts.checkout import Checkout
from payments.core.errors import IdempotencyMismatchError, RefusedUpdate, TryAgainError
from payments.wiring import Wiring


def keep_checkout(wanted: Checkout, wiring: Wiring) -> Checkout:
    """Keep it, or find what was kept under its id before. Raises IdempotencyMismatchError when that was another wish."""
    try:
        wiring.checkouts.create(wanted)
    except RefusedUpdate as refused:
        known = wiring.checkouts.found(wanted.checkout_id, refused)
        if known is None:
            raise TryAgainError("The checkout could not be read.") from refused
        if known.fingerprint != wanted.fingerprint:
            raise IdempotencyMismatchError("This Idempotency-Key was used for another request.") from refused
        return known
    return wanted
