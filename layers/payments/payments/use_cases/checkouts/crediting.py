"""Money for a checkout: which order paid it first, and what becomes of every other one.

Whoever hears of a paid order calls `credit_checkout`, as often as they hear of it: all that it does is done once.
"""

from payments.core.checkouts.checkout import Checkout
from payments.core.errors import OrderPaidError, RefusedUpdate, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.logs import logger
from payments.use_cases.checkouts.duplicates import refund_duplicate
from payments.use_cases.checkouts.ending import OrderOf, close_attempt
from payments.wiring import Wiring

MAX_ROUNDS = 5  # of reading and deciding again, before it has to be heard of once more


def credit_checkout(
    checkout_id: str, out_trade_no: str, *, order_of: OrderOf, wiring: Wiring
) -> Checkout | None:
    """Write down that this order of the checkout is paid; returns the checkout as it is then, None where there is none.

    The first one that is paid pays it. If that is not the current one, no order is opened any more, and the current one is
    closed. Every later one is a duplicate: that is told once, and its money goes back where the stack says so. Raises
    TryAgainError, StorageUnavailableError.
    """
    checkout = _paid(checkout_id, out_trade_no, wiring)
    if checkout is None:  # none is ever deleted: its table is another than that of the payments
        wiring.count("CheckoutMissing")
        return None
    if checkout.paid_by != out_trade_no:
        _tell_duplicate(checkout, out_trade_no, wiring)
    if checkout.current is not None and checkout.current.out_trade_no not in (
        checkout.paid_by,
        out_trade_no,
    ):
        _close_current(checkout, order_of, wiring)
    return checkout


def _paid(checkout_id: str, out_trade_no: str, wiring: Wiring) -> Checkout | None:
    for _ in range(MAX_ROUNDS):
        seen = wiring.checkouts.get(checkout_id)
        if seen is None or seen.paid_by is not None:
            return seen
        try:
            return wiring.checkouts.record_paid(seen, out_trade_no)
        except RefusedUpdate:
            continue  # another attempt has begun, or another order was paid; or our own write went through
    raise TryAgainError("The checkout kept moving.")


def _close_current(checkout: Checkout, order_of: OrderOf, wiring: Wiring) -> None:
    hold = checkout.current
    if hold is None:
        return
    payment = wiring.store.get(hold.out_trade_no)
    if payment is not None and payment.status.is_final:
        return
    try:
        close_attempt(checkout, hold, payment, order_of, wiring)
    except OrderPaidError:
        pass  # that is heard of by itself
    except TryAgainError as unknown:
        if "closing" not in unknown.details:
            raise
        # The wish is kept, and settle goes on until it is closed or paid.
        logger.warning(
            "the order of a paid checkout is not closed yet", extra={"out_trade_no": hold.out_trade_no}
        )


def _tell_duplicate(checkout: Checkout, out_trade_no: str, wiring: Wiring) -> None:
    first = checkout.paid_by or ""
    for _ in range(MAX_ROUNDS):
        payment = wiring.store.get(out_trade_no)
        if payment is None or payment.status.rank < Status.PAID.rank:
            raise TryAgainError("The order is not paid by what the table says.")
        try:
            marked = _marked(payment, first, wiring)
        except RefusedUpdate:
            continue
        refund_duplicate(marked, wiring)
        return
    raise TryAgainError("The payment kept moving.")


def _marked(payment: Payment, first: str, wiring: Wiring) -> Payment:
    if payment.duplicate_of is not None:
        return payment
    return wiring.checkouts.mark_duplicate(payment, of=first, now=int(wiring.now()))
