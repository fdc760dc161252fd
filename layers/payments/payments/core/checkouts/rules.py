"""When a checkout may begin another order, and what it is to whoever looks at it: rules on plain values."""

import math
from dataclasses import replace
from enum import Enum, auto

from payments.core.checkouts.checkout import JSAPI, Checkout, Device
from payments.core.lifecycle import Status
from payments.core.payment import Payment

MAX_ATTEMPTS = 20
ATTEMPT_INTERVAL_SECONDS = 3  # seconds from one attempt to the next
MIN_LEFT_SECONDS = 120  # seconds that a checkout must still live for an order to be opened
MAX_LIFE_SECONDS = 7 * 24 * 3600
MAX_VISITS = 20  # browsers within WeChat that one checkout remembers
VERSIONS_PER_ATTEMPT = 100_000  # more than a payment has: fifty refunds with all that can happen to each

READY = "ready"
IDENTIFY = "identify"
WAITING = "waiting"
ELSEWHERE = "elsewhere"
CLOSING = "closing"
EXPIRED = "expired"
CLOSED = "closed"
PAID = "paid"


class Step(Enum):
    """What whoever wants to pay a checkout does next."""

    SHOW = auto()  # nothing: it says how it stands
    CONTINUE = auto()  # its own order
    IDENTIFY = auto()  # who is there, first
    END = auto()  # another device's order, before its own begins
    BEGIN = auto()


def step_of(
    checkout: Checkout, payment: Payment | None, device: Device, *, take_over: bool, now: float
) -> Step:
    """What comes next for `device`; `payment` as for `status_of`. Nothing of another device's ends without `take_over`."""
    status = status_of(checkout, payment, device, now)
    if status == WAITING:
        return Step.CONTINUE
    held = status in (CLOSING, ELSEWHERE)
    if not (status in (READY, IDENTIFY) or (held and take_over and may_begin(checkout, now))):
        return Step.SHOW
    if device.kind == JSAPI and device.openid is None:
        return Step.IDENTIFY
    return Step.END if held else Step.BEGIN


def identified(checkout: Checkout, device: Device) -> Device:
    """`device` with the checkout's app, and the openid that its browser has told, where it is that app's."""
    device = replace(device, appid=checkout.appid)
    visit = checkout.visits.get(device.visit) if device.kind == JSAPI and device.visit is not None else None
    return replace(device, openid=visit.openid) if visit and visit.appid == checkout.appid else device


def may_begin(checkout: Checkout, now: float) -> bool:
    """Whether there may ever be another attempt, from what is known now."""
    return (
        checkout.paid_by is None
        and not checkout.frozen
        and checkout.attempt < MAX_ATTEMPTS
        and checkout.expires_at - now >= MIN_LEFT_SECONDS
    )


def seconds_to_wait(checkout: Checkout, now: float) -> int:
    """Whole seconds until the next attempt may begin; 0 when it may."""
    if checkout.attempted_at is None:
        return 0
    return max(0, math.ceil(checkout.attempted_at + ATTEMPT_INTERVAL_SECONDS - now))


def is_open(checkout: Checkout, payment: Payment | None) -> bool:
    """Whether somebody may still pay the last order; one that is not in the table yet may be on its way there.

    `payment` is the order that `checkout.current` names, or None.
    """
    return checkout.current is not None and (payment is None or not payment.status.is_final)


def status_of(checkout: Checkout, payment: Payment | None, device: Device, now: float) -> str:
    """What the checkout is to `device`. `payment` is the order that has paid it, else its current one.

    paid, partially_refunded or refunded; closing, waiting or elsewhere while an order is open; else expired, closed,
    identify or ready.
    """
    if payment is not None and payment.status.rank >= Status.PAID.rank:
        return PAID if payment.status is Status.PAID else payment.status.word
    if checkout.current is not None and is_open(checkout, payment):
        if payment is None and checkout.expires_at - now < MIN_LEFT_SECONDS:
            return EXPIRED  # it was never sent, and is not worth it any more
        if payment is not None and (payment.status is Status.CLOSING or now >= payment.time_expire):
            return CLOSING
        return WAITING if checkout.current.is_for(device) else ELSEWHERE
    if not may_begin(checkout, now):
        return CLOSED if checkout.expires_at - now >= MIN_LEFT_SECONDS else EXPIRED
    return IDENTIFY if device.kind == JSAPI and device.openid is None else READY


def version_of(checkout: Checkout, payment: Payment | None) -> int:
    """Rises with whatever changes what is seen, over all attempts; a live message's is of the same row."""
    version = payment.version if payment is not None else 0
    superseded = payment is not None and (
        checkout.current is None or payment.out_trade_no != checkout.current.out_trade_no
    )
    return row(checkout.attempt + (1 if superseded else 0), version)


def row(attempt: int, version: int) -> int:
    """Where a version of one attempt's payment stands among the versions of its checkout."""
    return attempt * VERSIONS_PER_ATTEMPT + version
