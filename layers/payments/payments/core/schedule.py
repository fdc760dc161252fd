"""When somebody must look at a payment again, and where the sparse index `due` keeps it.

A notification may never come (WeChat Pay APIv3, "Considerations on callbacks"), so every payment and refund that is not
final is asked about by itself: soon at first, and then after three times as long each time.
"""

import hashlib

from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund

FIRST_CHECK_SECONDS = 60  # seconds after a step that somebody must follow up
# Seconds past the last moment to pay, for clocks that differ and a payment on its way.
AFTER_EXPIRY_SECONDS = 60
MAX_SEND_SECONDS = 60  # seconds that a function that sends may live: no send is on its way after that
MISSING_SECONDS = 120  # seconds that WeChat Pay must keep saying that it has no such order or refund
RESENT_FOR_SECONDS = 7 * 24 * 3600  # seconds for which a refund that WeChat Pay does not take is sent again
ASKED_FOR_SECONDS = (
    7 * 24 * 3600
)  # seconds for which WeChat Pay is asked when it took a refund made elsewhere
CLOSE_RETRY_SECONDS = 60  # seconds until a close that nobody could answer for is tried again
# Seconds until a look without an answer is repeated: five minutes never pass unseen.
MAX_UNANSWERED_SECONDS = 180
# Seconds from one refund of an order to the next: WeChat Pay asks for a minute, and ours are whole.
REFUND_INTERVAL_SECONDS = 61

# The classes of due payments: which share of a run looks at them, and which queue they go to.
MONEY = "money"  # payable orders, and refunds that are to be asked about
EXPIRED = "expired"  # nobody paid, and the time is over: to be asked about and closed
SENDS = "sends"  # a refund must be sent

# Seconds since the beginning, then the pace that is kept up.
_UNPAID = (FIRST_CHECK_SECONDS, 180, 600, 1800, 5400, 16200, 48600)
_UNPAID_PACE = 24 * 3600
_CLOSING = (CLOSE_RETRY_SECONDS, 180, 600)
_CLOSING_PACE = 600
_UNANSWERED = (60, 180, 600, 1800, 3600)  # a refund that WeChat Pay has not acknowledged
_UNANSWERED_PACE = 6 * 3600
_REFUND = (60, 600, 3600, 6 * 3600)
_REFUND_PACE = 24 * 3600


def next_look(payment: Payment, now: int, *, answered: bool, may_send: bool) -> int | None:
    """When to look next after the look of `now`, in epoch seconds; None when nothing is open.

    One that WeChat Pay has not `answered` is repeated after as long again as the payment has been due without an answer, from one
    to three minutes. One that may not send finds a refund that must be sent: it is due at once, for a look that may.
    """
    at = next_check(payment, now)
    if at is None:
        return None
    if not answered:
        since = payment.due_since if payment.due_since is not None else now
        at = min(at, now + min(max(now - since, 60), MAX_UNANSWERED_SECONDS))
    if not may_send and any(is_to_be_sent(refund, now) for refund in open_refunds(payment)):
        at = min(at, max(now, next_refund(payment)))
    return at


def next_check(payment: Payment, now: int) -> int | None:
    """When to look next, in epoch seconds, always after `now`; None when nothing is open."""
    if payment.status.rank <= Status.CLOSING.rank:
        return _unpaid_check(payment, now)
    refunds = open_refunds(payment)
    checks = [_refund_check(refund, now) for refund in refunds]
    if (turn := next_refund(payment)) > now and any(is_to_be_sent(refund, now) for refund in refunds):
        checks.append(turn)
    checks += [
        _rung(refund.created_at, _REFUND, _REFUND_PACE, now) for refund in undated_refunds(payment, now)
    ]
    if payment.held and not refunds:  # otherwise it waits for one of them, and is tried when that ends
        checks.append(now + CLOSE_RETRY_SECONDS)
    return min(checks, default=None)


def next_refund(payment: Payment) -> int:
    """When the order may have its next refund sent: WeChat Pay takes one in a minute (APIv3, "Refund")."""
    sent = [refund.sent_at for refund in payment.refunds.values() if refund.sent_at is not None]
    return max(sent, default=-REFUND_INTERVAL_SECONDS) + REFUND_INTERVAL_SECONDS


def is_to_be_sent(refund: Refund, now: int) -> bool:
    """Whether nobody has acknowledged or refused a refund of ours, and it was not sent again since that was due."""
    if (
        refund.status is not RefundStatus.REQUESTED
        or refund.wechat_request is None
        or is_given_up(refund, now)
    ):
        return False
    sent_at = refund.sent_at or refund.created_at
    since = [refund.created_at + step for step in _UNANSWERED if refund.created_at + step <= now]
    return any(sent_at < rung for rung in since) or now - sent_at >= _UNANSWERED_PACE


def is_given_up(refund: Refund, now: int) -> bool:
    """Whether this number will never be sent again: refused for good, cancelled, or not taken for a week."""
    return refund.refused is not None or now - refund.created_at >= RESENT_FOR_SECONDS


def next_question(refund: Refund, now: int) -> int:
    """When an answer about a refund that is given up may bring it to its end; always after `now`."""
    if refund.missing_since is not None:
        at = refund.missing_since + MISSING_SECONDS
    else:
        at = (refund.sent_at or refund.created_at) + MAX_SEND_SECONDS
    return at if at > now else now + CLOSE_RETRY_SECONDS


def open_refunds(payment: Payment) -> list[Refund]:
    """The refunds of which WeChat Pay has still to say how they end."""
    return [refund for refund in payment.refunds.values() if not refund.status.is_final]


def undated_refunds(payment: Payment, now: int) -> list[Refund]:
    """Refunds made elsewhere that have ended, and of which WeChat Pay has still to say when it took them: no notification tells.

    The books need it. What it has not said in a week is asked no more.
    """
    return [
        refund
        for refund in payment.refunds.values()
        if is_undated(refund) and now - refund.created_at < ASKED_FOR_SECONDS
    ]


def is_undated(refund: Refund) -> bool:
    """Whether a refund made elsewhere has ended and nobody knows when WeChat Pay took it."""
    return refund.elsewhere and refund.status.is_final and refund.create_time is None


def due_shard(payment: Payment, at: int, shards: int) -> str:
    """The key under which a payment that is due `at` (epoch seconds) waits for its look: `<class>#<shard>`."""
    if payment.status.rank <= Status.CLOSING.rank:
        over = at >= payment.time_expire + AFTER_EXPIRY_SECONDS
        return shard(payment.out_trade_no, shards, EXPIRED if over else MONEY)
    sends = any(is_to_be_sent(refund, at) for refund in open_refunds(payment))
    return shard(payment.out_trade_no, shards, SENDS if sends else MONEY)


def shard(out_trade_no: str, shards: int, due_class: str = MONEY) -> str:
    """The key of one payment in one class; the number of its shard, `0` to `shards - 1`, is always the same."""
    return f"{due_class}#{int(hashlib.sha256(out_trade_no.encode()).hexdigest()[:8], 16) % shards}"


def keys(due_class: str, shards: int) -> list[str]:
    """Every key under which payments of one class may wait.

    Those of `money` include the shards' bare numbers: what was written before there were classes is of no class, and gets one by
    its next look.
    """
    numbers = [str(number) for number in range(shards)]
    return [f"{due_class}#{number}" for number in numbers] + (numbers if due_class == MONEY else [])


def _unpaid_check(payment: Payment, now: int) -> int:
    last = payment.time_expire + AFTER_EXPIRY_SECONDS
    if payment.status is Status.CLOSING:
        at = _rung(payment.updated_at, _CLOSING, _CLOSING_PACE, now)
    elif now >= last:
        at = now + CLOSE_RETRY_SECONDS
    else:
        at = _rung(payment.created_at, _UNPAID, _UNPAID_PACE, now)
        # The last look comes soon enough to stand for one shortly before it.
        at = last if 2 * (last - at) < at - payment.created_at else at
    if payment.missing_since is not None and payment.missing_since + MISSING_SECONDS > now:
        at = min(at, payment.missing_since + MISSING_SECONDS)
    return at


def _refund_check(refund: Refund, now: int) -> int:
    if refund.status is RefundStatus.REQUESTED:
        if is_given_up(refund, now):
            return next_question(refund, now)
        return _rung(refund.created_at, _UNANSWERED, _UNANSWERED_PACE, now)
    return _rung(refund.sent_on_at or refund.created_at, _REFUND, _REFUND_PACE, now)


def _rung(start: int, ladder: tuple[int, ...], pace: int, now: int) -> int:
    return next((start + step for step in ladder if start + step > now), now + pace)
