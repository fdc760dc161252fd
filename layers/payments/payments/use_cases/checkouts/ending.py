"""Ending an attempt at a checkout: nobody can pay its order any more, or it is paid, or nobody can tell yet."""

from collections.abc import Callable
from dataclasses import replace

from payments.core.checkouts.checkout import Checkout, Device, Hold
from payments.core.errors import RefusedUpdate, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.use_cases.closing import close_order
from payments.wiring import Wiring

OrderOf = Callable[[Checkout, Hold, Device], Payment]
"""Makes the payment, in CREATING, of the attempt that a hold names."""


def close_attempt(
    checkout: Checkout, hold: Hold, payment: Payment | None, order_of: OrderOf, wiring: Wiring
) -> Payment:
    """The order of this hold once nobody can pay it any more; where there is none, there will be none.

    Raises OrderPaidError, and TryAgainError while nobody can tell.
    """
    if payment is None:
        device = Device(hold.kind, hold.appid, client_address=hold.client_address)
        never = replace(order_of(checkout, hold, device), status=Status.CLOSED)
        try:
            # Its number is taken: whoever was about to put the order there finds it closed, and sends nothing.
            wiring.store.create(never, due_at=None)
        except RefusedUpdate as refused:
            payment = wiring.store.found(hold.out_trade_no, refused)
            if payment is None:
                raise TryAgainError("The order could not be read.") from refused
        else:
            return never
    return close_order(payment, wiring)
