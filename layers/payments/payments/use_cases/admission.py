"""Letting an order in: within the buyer's limits, and never beside an open one for the same wish."""

from payments.core import identifiers
from payments.core.allowance import MINUTE, Allowance, OpenOrder
from payments.core.errors import RateLimitedError, RefusedUpdate, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.use_cases.claims import CLAIM_SECONDS
from payments.wiring import Wiring

MIN_LEFT_SECONDS = 60  # seconds that an open order must still live to be handed out again
MAX_WAIT_SECONDS = 3.0  # seconds to find one's place among parallel orders of one buyer


def check_limits(wanted: Payment, *, keyed: bool, wiring: Wiring) -> Payment | None:
    """Count `wanted` among its buyer's open orders; None lets it in.

    Without an Idempotency-Key (`keyed`), an open order of the same buyer for the same content, amount and way of
    paying is returned instead: a double click or a second device means the same wish.
    Raises RateLimitedError, TryAgainError, StorageUnavailableError.
    """
    order = OpenOrder(wanted.out_trade_no, _wish(wanted), wanted.created_at, wanted.time_expire)
    try:
        # The normal case costs this one call: a buyer with nothing open.
        wiring.allowances.begin(wanted.user_id, Allowance().plus(order), now=wanted.created_at)
    except RefusedUpdate:
        return _beside_others(order, wanted.user_id, keyed=keyed, wiring=wiring)
    return None


def _beside_others(order: OpenOrder, user_id: str, *, keyed: bool, wiring: Wiring) -> Payment | None:
    gone: frozenset[str] = frozenset()
    started = wiring.now()
    while wiring.now() - started <= MAX_WAIT_SECONDS:
        seen = wiring.allowances.get(user_id)
        if seen.has(order.out_trade_no):
            return None
        left = seen.without(gone, order.opened_at)
        if not keyed and (alike := left.alike(order.wish)) is not None:
            known = wiring.store.get(alike.out_trade_no)
            if known is not None and _payable(known, order.opened_at):
                return known
            if known is None and wiring.now() - alike.opened_at < CLAIM_SECONDS:
                wiring.pause(0.2)  # let in a moment ago, and about to be written down
                continue
            gone |= {alike.out_trade_no}
            continue
        if len(left.orders) >= wiring.settings.open_orders and (
            over := frozenset(one.out_trade_no for one in left.orders if _is_over(one, wiring))
        ):
            gone |= over
            continue
        if (refusal := _refusal(left, order.opened_at, wiring)) is not None:
            if keyed and wiring.store.get(order.out_trade_no) is not None:
                return None  # not one more: a retry asks what became of its own
            raise refusal
        try:
            wiring.allowances.change(user_id, left.plus(order), seen=seen)
        except RefusedUpdate:
            continue
        return None
    raise TryAgainError("Other orders of this buyer are being opened.", retry_after=1)


def _is_over(order: OpenOrder, wiring: Wiring) -> bool:
    """Whether nobody can pay it any more; nothing that may still be on its way to the table counts as over."""
    known = wiring.store.get(order.out_trade_no)
    if known is None:
        return wiring.now() - order.opened_at >= CLAIM_SECONDS
    return known.status.is_final


def _payable(known: Payment, now: int) -> bool:
    return known.status in (Status.CREATING, Status.PENDING) and known.time_expire - now >= MIN_LEFT_SECONDS


def _wish(payment: Payment) -> str:
    return identifiers.fingerprint(
        {
            "method": payment.method,
            "contentId": payment.content_id,
            "amount": payment.amount,
            "openid": payment.openid,
        }
    )


def _refusal(left: Allowance, now: int, wiring: Wiring) -> RateLimitedError | None:
    settings = wiring.settings
    if len(left.orders) >= settings.open_orders:
        return RateLimitedError(
            f"This buyer has {settings.open_orders} open orders; one must be paid or closed first.",
            retry_after=max(1, min(order.until for order in left.orders) - now),
        )
    if left.created_since(now) >= settings.creates_per_minute:
        return RateLimitedError(
            f"This buyer has opened {settings.creates_per_minute} orders in this minute.",
            retry_after=MINUTE - now % MINUTE,
        )
    return None
