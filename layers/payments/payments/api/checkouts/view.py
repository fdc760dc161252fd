"""The public view of a checkout for one device: how it stands, and what that device pays by."""

from dataclasses import replace

from payments.api import means, qr
from payments.api.checkouts.shown import shown
from payments.api.h5.link import h5_link
from payments.core.checkouts.checkout import H5, Device
from payments.core.checkouts.rules import CLOSING, ELSEWHERE, IDENTIFY, READY, WAITING, may_begin, version_of
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.core.times import utc
from payments.use_cases.checkouts.attempting import Seen
from payments.use_cases.opening import is_to_be_renewed
from payments.wiring import Wiring

RETRY_SECONDS = 5  # seconds until an order that is being closed is looked at again, where nobody says better


def view(seen: Seen, *, token: str, wiring: Wiring) -> dict[str, object]:
    """What anybody with the address may know: amounts in yuan as text, times in ISO 8601; absent members are left out."""
    if not_offered(seen.device, wiring) and seen.status == ELSEWHERE:
        seen = replace(seen, status=READY)  # nothing that could be taken over to here
    checkout, payment, now = seen.checkout, seen.payment, wiring.now()
    members = shown(
        checkout,
        checkout.checkout_id,
        status=seen.status,
        version=version_of(checkout, payment),
        expires_at=checkout.expires_at,
        refunded=payment.refunded if payment is not None else 0,
        wiring=wiring,
    )
    members |= {"checkoutId": checkout.checkout_id, "kind": seen.device.kind}
    if seen.status == WAITING and payment is not None:
        members |= _means(payment, token, now, wiring)
    return members | _how(seen, token, now, wiring)


def _how(seen: Seen, token: str, now: float, wiring: Wiring) -> dict[str, object]:
    checkout, hold = seen.checkout, seen.checkout.current
    if seen.status == IDENTIFY:
        return {"identifyUrl": f"{means.CHECKOUT_PATH}{token}/wechat"}
    if seen.status == ELSEWHERE and hold is not None:
        return {"heldBy": hold.kind, "takeOver": may_begin(checkout, now)}
    if seen.status == CLOSING and hold is not None:
        theirs = not hold.is_for(seen.device) and not not_offered(seen.device, wiring)
        may = theirs and may_begin(checkout, now)
        return {"heldBy": hold.kind, "takeOver": may, "retryAfter": seen.retry_after or RETRY_SECONDS}
    failed = seen.payment is not None and seen.payment.status is Status.FAILED and seen.payment.refusal
    refused = hold.kind if hold is not None and failed else None
    if not_offered(seen.device, wiring):
        refused = seen.device.kind
    if seen.status != READY or refused is None:
        return {}
    # The way to another device, or into WeChat's own browser: this very address.
    return {"refused": refused, "qrCode": qr.data_url(_address(token, wiring))}


def not_offered(device: Device, wiring: Wiring) -> bool:
    """Whether the merchant has no way to be paid on this kind of device."""
    return device.kind == H5 and not wiring.settings.h5_payments


def _means(payment: Payment, token: str, now: float, wiring: Wiring) -> dict[str, object]:
    """What the order is paid by; nothing while a fresh one is needed, for which nobody is asked here."""
    until = payment.credential_expires_at
    if until is None or payment.status is not Status.PENDING or is_to_be_renewed(payment, now):
        return {}
    found: dict[str, object] = {"codeExpiresAt": utc(until)}
    if payment.code_url is not None:
        return {**found, "codeUrl": payment.code_url, "qrCode": qr.data_url(payment.code_url)}
    if payment.h5_url is not None:
        return {**found, "h5Url": h5_link(payment, _address(token, wiring))}
    return {**found, "paymentParams": means.payment_params(payment, wiring)}


def _address(token: str, wiring: Wiring) -> str:
    return f"{wiring.settings.public_url}{means.CHECKOUT_PATH}{token}"
