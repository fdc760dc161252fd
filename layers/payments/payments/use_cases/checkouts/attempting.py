"""Opening a checkout for a device: the order that is open for it already, or the next one, and never two at once.

Which device holds the checkout is written down before anything is sent, under a number that follows from the attempt. So whoever
dies in between leaves something that the same device continues, and that any other can end before it begins its own.
"""

from dataclasses import dataclass, replace

from payments.core import identifiers
from payments.core.checkouts.checkout import Checkout, Device, Hold
from payments.core.checkouts.rules import (
    CLOSING,
    ELSEWHERE,
    IDENTIFY,
    WAITING,
    Step,
    identified,
    is_open,
    seconds_to_wait,
    status_of,
    step_of,
)
from payments.core.errors import (
    IdempotencyMismatchError,
    OrderClosedError,
    OrderNotFoundError,
    OrderPaidError,
    RateLimitedError,
    RefusedUpdate,
    TryAgainError,
)
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.use_cases.checkouts.ending import OrderOf, close_attempt
from payments.use_cases.opening import open_order
from payments.wiring import Wiring

MAX_ROUNDS = 4  # of reading and deciding again, before whoever asks has to come again


@dataclass(frozen=True)
class Seen:
    """A checkout, and the order that has paid it, else its current one; `status` as `rules.status_of` has it."""

    checkout: Checkout
    payment: Payment | None
    device: Device  # with the openid that its browser has told
    status: str
    retry_after: int | None = None  # seconds until another try may find more


def find_checkout(checkout_id: str, device: Device, wiring: Wiring) -> Seen:
    """The checkout as it stands, from the tables alone. Raises OrderNotFoundError."""
    checkout = wiring.checkouts.get(checkout_id)
    if checkout is None:
        raise OrderNotFoundError
    device = identified(checkout, device)
    return _seen(checkout, _order_to_show(checkout, wiring), device, wiring)


def open_for(checkout_id: str, device: Device, *, take_over: bool, order_of: OrderOf, wiring: Wiring) -> Seen:
    """Have an order open for `device`, where that can be; else how the checkout stands.

    What another device holds is ended only where `take_over` says so, with proof, and before anything else is begun. Raises
    OrderNotFoundError; RateLimitedError between two attempts; WeChatRefusedError when WeChat Pay refused this one for good, which leaves
    nothing open; TryAgainError when nobody knows: the same call continues.
    """
    for _ in range(MAX_ROUNDS):
        seen = find_checkout(checkout_id, device, wiring)
        step = step_of(seen.checkout, seen.payment, seen.device, take_over=take_over, now=wiring.now())
        if step is Step.SHOW:
            return seen
        if step is Step.IDENTIFY:
            return replace(seen, status=IDENTIFY)
        if step is Step.CONTINUE:
            found = _opened(seen, order_of, wiring)
        else:
            found = _next_opened(seen, order_of, wiring)
        if found is not None:
            return found
    raise TryAgainError("Other devices are opening this checkout.")


def _next_opened(seen: Seen, order_of: OrderOf, wiring: Wiring) -> Seen | None:
    """The next order, opened for this device; or how the checkout stands. None when somebody else was first."""
    if wait := seconds_to_wait(seen.checkout, wiring.now()):
        raise RateLimitedError("An order of this checkout was opened a moment ago.", retry_after=wait)
    if (still := _ended(seen, order_of, wiring)) is not None:
        return still
    begun = _begun(seen.checkout, seen.device, wiring)
    return _opened(replace(seen, checkout=begun, payment=None), order_of, wiring) if begun else None


def _order_to_show(checkout: Checkout, wiring: Wiring) -> Payment | None:
    number = checkout.paid_by or (checkout.current.out_trade_no if checkout.current else None)
    return wiring.store.get(number) if number is not None else None


def _seen(checkout: Checkout, payment: Payment | None, device: Device, wiring: Wiring) -> Seen:
    return Seen(checkout, payment, device, status_of(checkout, payment, device, wiring.now()))


def _begun(checkout: Checkout, device: Device, wiring: Wiring) -> Checkout | None:
    """The checkout with its next attempt, held by `device`; None when somebody else was first."""
    number = identifiers.out_trade_no_of_attempt(
        scope=wiring.settings.stack_scope, checkout_id=checkout.checkout_id, attempt=checkout.attempt + 1
    )
    hold = Hold.of(device, number)
    try:
        return wiring.checkouts.begin_attempt(checkout, hold, now=int(wiring.now()))
    except RefusedUpdate as refused:
        found = wiring.checkouts.found(checkout.checkout_id, refused)
        # Our own write, whose answer was lost; or the same device's, which is as good.
        return found if found is not None and found.current == hold and found.paid_by is None else None


def _opened(seen: Seen, order_of: OrderOf, wiring: Wiring) -> Seen | None:
    """The device's own order, open or as it has ended; None when it was closed meanwhile."""
    checkout, device, hold = seen.checkout, seen.device, seen.checkout.current
    if hold is None:
        return None
    wanted = seen.payment or order_of(checkout, hold, device)
    try:
        opened = open_order(wanted, wiring=wiring, again=True, there=seen.payment is not None)
    except OrderClosedError:
        return None
    except OrderPaidError:
        return _seen(checkout, wiring.store.reread(wanted), device, wiring)
    except IdempotencyMismatchError:
        known = wiring.store.reread(wanted)
        if known.status in (Status.CLOSED, Status.FAILED):  # ended before it was sent
            return None
        found = _seen(checkout, known, device, wiring)
        # Of before the table was restored: whoever held it then may still pay.
        return replace(found, status=ELSEWHERE) if found.status == WAITING else found
    except TryAgainError as unknown:
        if "closing" not in unknown.details:
            raise
        return Seen(checkout, wiring.store.reread(wanted), device, CLOSING, unknown.retry_after)
    return _seen(checkout, opened, device, wiring)


def _ended(seen: Seen, order_of: OrderOf, wiring: Wiring) -> Seen | None:
    """None once nobody can pay the order before any more; else how the checkout stands."""
    checkout, device, hold = seen.checkout, seen.device, seen.checkout.current
    if hold is None or not is_open(checkout, seen.payment):
        return None
    try:
        close_attempt(checkout, hold, seen.payment, order_of, wiring)
    except OrderPaidError:
        return _seen(checkout, wiring.store.get(hold.out_trade_no), device, wiring)
    except TryAgainError as unknown:
        return Seen(checkout, wiring.store.get(hold.out_trade_no), device, CLOSING, unknown.retry_after)
    return None
