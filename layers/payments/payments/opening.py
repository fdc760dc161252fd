"""Opening an order: write the intent down, send it, record what the buyer pays by.

The number and the exact request are stored before the first byte goes out. Whatever happens then, the same number and
the same bytes are sent again, so that one wish never becomes two orders.
"""

from collections.abc import Callable
from dataclasses import replace

from payments.asking import ask
from payments.due import FIRST_CHECK
from payments.errors import (
    ApiError,
    IdempotencyMismatchError,
    OrderClosedError,
    OrderPaidError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.items import RefusedUpdate
from payments.lifecycle import Status
from payments.payment import Credential, Payment
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

CREDENTIAL_LIFE = 2 * 3600  # seconds; WeChat Pay APIv3, "Native order": code_url and prepay_id live two hours
RENEWED_BEFORE = 300  # seconds before its end at which a credential is not handed out any more
SENDING = 15  # seconds in which somebody else's send may still be under way
PATIENCE = 3.0  # seconds to wait for that send's answer
LATER = 60  # seconds after which a payment that is still being created is looked at

# WeChat Pay's refusals that say nothing about the order itself: once our keys or rights are mended, it goes through.
_NOT_ABOUT_THE_ORDER = ("SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "RULE_LIMIT", "FREQUENCY_LIMITED")
# …and those that may say that the order exists there in another state or another form: a query tells which.
_ABOUT_ANOTHER_STATE = ("ORDER_PAID", "ORDER_CLOSED", "OUT_TRADE_NO_USED", "INVALID_REQUEST", "PARAM_ERROR")


Send = Callable[[bytes], Credential]


def open_order(wanted: Payment, *, send: Send, wiring: Wiring, again: bool) -> Payment:
    """Create the order `wanted`, or finish or find the one that the same Idempotency-Key opened before (`again`).

    `wanted` is a payment in CREATING; `send` puts its frozen request to WeChat Pay. Returns the payment with a
    credential. Raises ApiErrors for every other present truth.
    """
    try:
        wiring.store.create(wanted, due_at=wanted.created_at + FIRST_CHECK)
    except RefusedUpdate:
        if again:
            return _present_truth(wanted, send, wiring)
        # A number of 130 random bits is nobody else's: our own first write went through and its answer was lost.
    return _send(wanted, send, wiring)


def with_fresh_credential(known: Payment, *, send: Send, wiring: Wiring) -> Payment:
    """`known` as it was read, and with a fresh credential where the last one ends before the order does.

    Asks nobody while the credential lives. Raises the same ApiErrors as `open_order`.
    """
    return _present_truth(known, send, wiring) if _ending(known, wiring.now()) else known


def _present_truth(wanted: Payment, send: Send, wiring: Wiring) -> Payment:
    known = _settled_read(wanted, wiring)
    now = wiring.now()
    if known.fingerprint != wanted.fingerprint:
        raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
    if (refusal := _unpayable(known, now)) is not None:
        raise refusal
    if known.status is Status.PENDING and not _ending(known, now):
        return known
    try:
        wiring.store.sending_again(known, until=int(now) + LATER, now=int(now))
    except RefusedUpdate as first:
        raise TryAgainError("The same order is being sent right now.", retry_after=1) from first
    return _send(replace(known, sent_at=int(now)), send, wiring)


def _settled_read(wanted: Payment, wiring: Wiring) -> Payment:
    """The payment under this number, once nobody can still be in the middle of sending it."""
    waited = 0.0
    while True:
        known = wiring.store.get(wanted.out_trade_no)
        if known is None:
            raise TryAgainError("The order could not be read.", retry_after=1)
        unready = known.status is Status.CREATING or _ending(known, wiring.now())
        sending = unready and wiring.now() - known.sent_at < SENDING
        if not sending or known.fingerprint != wanted.fingerprint:
            return known
        if waited >= PATIENCE:
            raise TryAgainError("The same order is being sent right now.", retry_after=1)
        wiring.pause(0.2)
        waited += 0.2


def _ending(known: Payment, now: float) -> bool:
    """Whether the order lives on, and what it is paid by hardly any more."""
    expires_at = known.credential_expires_at
    if known.status is not Status.PENDING or expires_at is None:
        return False
    return expires_at < known.time_expire and expires_at - now < RENEWED_BEFORE


def _unpayable(known: Payment, now: float) -> ApiError | None:
    if known.status.rank >= Status.PAID.rank:
        return OrderPaidError("The order is already paid.", details={"outTradeNo": known.out_trade_no})
    if known.status is Status.FAILED:
        refusal = known.refusal or {}
        return WeChatRefusedError("WeChat Pay refused this order.", details=dict(refusal))
    if known.status in (Status.CLOSED, Status.CLOSING) or known.time_expire <= now:
        return OrderClosedError("The order is closed.", details={"outTradeNo": known.out_trade_no})
    return None


def _send(payment: Payment, send: Send, wiring: Wiring) -> Payment:
    sent_at = int(wiring.now())
    try:
        credential = send(payment.wechat_request.encode())
    except UnknownOutcomeError as unknown:
        raise TryAgainError("WeChat Pay did not give a certain answer; the order is kept.") from unknown
    except RefusedError as refused:
        raise _refusal(payment, refused, wiring) from refused
    now = int(wiring.now())
    expires_at = min(sent_at + CREDENTIAL_LIFE, payment.time_expire)
    try:
        if payment.status is Status.PENDING:
            return wiring.store.credential_renewed(payment, credential, expires_at=expires_at)
        return wiring.store.credential_received(
            payment.out_trade_no, credential, expires_at=expires_at, due_at=now + FIRST_CHECK, now=now
        )
    except RefusedUpdate as overtaken:
        known = wiring.store.get(payment.out_trade_no)
        if known is not None and (refusal := _unpayable(known, now)) is not None:
            raise refusal from overtaken
        if known is not None and known.credential_expires_at is not None:
            return known
        raise TryAgainError("The order moved while it was being sent.", retry_after=1) from overtaken


def _refusal(payment: Payment, refused: RefusedError, wiring: Wiring) -> ApiError:
    """What the caller is told; the order becomes FAILED only when it is certain that WeChat Pay does not have it."""
    details: dict[str, str] = {"wechatCode": refused.code}
    if refused.request_id:
        details["requestId"] = refused.request_id
    answer = WeChatRefusedError("WeChat Pay refused the order.", details=dict(details))
    if refused.is_code(*_NOT_ABOUT_THE_ORDER) or not refused.proven:
        return answer
    if refused.after_unknown or refused.is_code(*_ABOUT_ANOTHER_STATE):
        # It may be there all the same: an earlier try, or a table that was restored to before it.
        known = ask(payment, wiring)
        if known is not None:
            return _unpayable(known, wiring.now()) or answer
        if refused.after_unknown:
            return answer
    try:
        wiring.store.creation_refused(payment, refusal=details, cause="refused", now=int(wiring.now()))
    except RefusedUpdate:
        known = wiring.store.get(payment.out_trade_no)
        return (_unpayable(known, wiring.now()) if known else None) or answer
    return answer
