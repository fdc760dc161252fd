"""Opening an order: write the intent down, send it, record what the buyer pays by.

The number and the exact request are stored before the first byte goes out. Whatever happens then, the same number and
the same bytes are sent again, so that one wish never becomes two orders.
"""

import math
from dataclasses import replace

from payments.core.errors import (
    ApiError,
    IdempotencyMismatchError,
    OrderClosedError,
    OrderPaidError,
    RefusedUpdate,
    StorageUnavailableError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.core.lifecycle import Status
from payments.core.payment import Credential, Payment
from payments.core.schedule import AFTER_EXPIRY_SECONDS, FIRST_CHECK_SECONDS
from payments.use_cases import claims
from payments.use_cases.asking import query_order
from payments.use_cases.verdicts import RETRY_SECONDS, Verdict, retry_after_of, verdict_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

# Seconds, by the payment's method; WeChat Pay APIv3, "Native order" and "H5 order": code_url and prepay_id live two hours, h5_url
# five minutes.
CREDENTIAL_LIFE_SECONDS = {"native": 2 * 3600, "jsapi": 2 * 3600, "app": 2 * 3600, "h5": 300}
# Seconds before its end at which a credential is not handed out any more: long enough to pay with what was.
RENEWAL_SECONDS = {"native": 300, "jsapi": 300, "app": 300, "h5": 60}
MAX_WAIT_SECONDS = 3.0  # seconds to wait for somebody else's send


def open_order(wanted: Payment, *, wiring: Wiring, again: bool, there: bool = False) -> Payment:
    """Create the order `wanted`, or finish or find the one that the same Idempotency-Key opened before (`again`).

    `wanted` is a payment in CREATING; or, where it is `there`, as it has just been read, to be finished. Returns the payment with a credential. Raises ApiErrors for every other present
    truth; WeChatRefusedError only when the order has failed.
    """
    if there:
        return _present_truth(wanted, wiring, seen=wanted)
    wanted = replace(wanted, claim=wiring.nonce(), claimed_until=wanted.created_at + claims.CLAIM_SECONDS)
    try:
        wiring.store.create(wanted, due_at=wanted.created_at + FIRST_CHECK_SECONDS)
    except RefusedUpdate as refused:
        if again:
            return _present_truth(wanted, wiring, mine=wanted.claim, seen=refused.payment)
        # A number of 130 random bits is nobody else's: our own first write went through and its answer was lost.
    except StorageUnavailableError as problem:
        raise claims.not_stored_error(wanted, wiring) from problem
    return _send(wanted, wiring, first=True)


def renew_credential(known: Payment, *, wiring: Wiring) -> Payment:
    """`known` as it was read, and with a fresh credential where the last one ends before the order does.

    Asks nobody while the credential lives. Raises the same ApiErrors as `open_order`.
    """
    return _present_truth(known, wiring, seen=known) if is_to_be_renewed(known, wiring.now()) else known


def _present_truth(
    wanted: Payment, wiring: Wiring, *, mine: str | None = None, seen: Payment | None = None
) -> Payment:
    """What there is under this number, completed where that is missing.

    `mine` is the claim that we may have put there, `seen` what is there, where that is known.
    """
    known = _settled_read(wanted, wiring, mine, seen)
    if mine is not None and known.claim == mine:  # our own first write went through, and its answer was lost
        return _send(known, wiring, first=True)
    now = wiring.now()
    if known.fingerprint != wanted.fingerprint:
        raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
    if (refusal := _unpayable(known, now)) is not None:
        raise refusal
    if known.status is Status.PENDING and not is_to_be_renewed(known, now):
        return known
    return _send(claims.claim_resend(known, wiring), wiring, first=False)


def _settled_read(wanted: Payment, wiring: Wiring, mine: str | None, seen: Payment | None) -> Payment:
    """The payment under this number, once nobody else can still be in the middle of sending it."""
    waited = 0.0
    while True:
        known, seen = seen or wiring.store.get(wanted.out_trade_no), None
        if known is None:
            raise TryAgainError("The order could not be read.")
        unready = known.status is Status.CREATING or is_to_be_renewed(known, wiring.now())
        sending = unready and known.claim != mine and claims.seconds_left(known, wiring) > 0
        if not sending or known.fingerprint != wanted.fingerprint:
            return known
        if waited >= MAX_WAIT_SECONDS:
            raise claims.being_sent_error(known, wiring)
        wiring.pause(0.2)
        waited += 0.2


def is_to_be_renewed(known: Payment, now: float) -> bool:
    """Whether its credential ends before the order does, and within RENEWAL_SECONDS: then a fresh one is needed."""
    expires_at = known.credential_expires_at
    if known.status is not Status.PENDING or expires_at is None:
        return False
    return expires_at < known.time_expire and expires_at - now < RENEWAL_SECONDS[known.method]


def _unpayable(known: Payment, now: float) -> ApiError | None:
    """Why nobody is handed a credential for this order, if so. It is called closed only once that is proven."""
    number: dict[str, object] = {"outTradeNo": known.out_trade_no}
    if known.status.rank >= Status.PAID.rank:
        return OrderPaidError("The order is already paid.", details=number)
    if known.status is Status.FAILED:
        return WeChatRefusedError("WeChat Pay refused this order.", details=dict(known.refusal or {}))
    if known.status is Status.CLOSED:
        return OrderClosedError("The order is closed.", details=number)
    if known.status is Status.CLOSING or known.time_expire <= now:
        # Its buyer may be paying at this very moment.
        looked_at = max(
            known.due_at or 0, known.time_expire + AFTER_EXPIRY_SECONDS if known.time_expire <= now else 0
        )
        wait = min(max(RETRY_SECONDS, math.ceil(looked_at - now)), AFTER_EXPIRY_SECONDS)
        sentence = "The order is being closed; whether it was paid before is not known yet."
        return TryAgainError(sentence, details=number | {"closing": True}, retry_after=wait)
    return None


def _send(payment: Payment, wiring: Wiring, *, first: bool) -> Payment:
    """Send it, whose claim is ours, and write down what came of it; `first` when nothing was sent before."""
    sent_at = int(wiring.now())
    try:
        credential = _place_order(payment, wiring)
    except (RefusedError, UnknownOutcomeError) as problem:
        raise _no_credential(payment, problem, wiring, first=first) from problem
    now = int(wiring.now())
    expires_at = min(sent_at + CREDENTIAL_LIFE_SECONDS[payment.method], payment.time_expire)
    try:
        if payment.status is Status.PENDING:
            return wiring.store.renew_credential(payment, credential, expires_at=expires_at)
        return wiring.store.record_credential(
            payment, credential, expires_at=expires_at, due_at=now + FIRST_CHECK_SECONDS, now=now
        )
    except RefusedUpdate as overtaken:
        known = wiring.store.reread(payment, overtaken)
        if (refusal := _unpayable(known, now)) is not None:
            raise refusal from overtaken
        if known.credential_expires_at is not None and known.claim is None:
            return known
        raise TryAgainError("The order moved while it was being sent.") from overtaken
    except StorageUnavailableError as problem:
        raise claims.not_stored_error(payment, wiring) from problem


def _place_order(payment: Payment, wiring: Wiring) -> Credential:
    """Put the frozen request to WeChat Pay: what the buyer pays by. Raises RefusedError, UnknownOutcomeError."""
    request = payment.wechat_request.encode()
    if payment.method == "jsapi":
        return Credential(prepay_id=wiring.wechat.order_jsapi(request))
    if payment.method == "app":
        return Credential(prepay_id=wiring.wechat.order_app(request))
    if payment.method == "h5":
        return Credential(h5_url=wiring.wechat.order_h5(request))
    return Credential(code_url=wiring.wechat.order_native(request))


def _no_credential(
    payment: Payment, problem: RefusedError | UnknownOutcomeError, wiring: Wiring, *, first: bool
) -> ApiError:
    """What the caller is told. The order becomes FAILED only when it is certain that WeChat Pay does not have it."""
    verdict = verdict_of("create", problem, first=first)
    if isinstance(problem, RefusedError) and verdict is Verdict.TO_BE_ASKED:
        certain = first and not problem.after_unknown
        found = _query(payment, wiring)
        if isinstance(found, Payment):
            refusal = _unpayable(found, wiring.now())
            if refusal is not None or certain:
                return refusal or _close_forgotten(found, wiring)
        verdict = Verdict.REFUSED if found is Verdict.MISSING and certain else Verdict.UNKNOWN
    if isinstance(problem, RefusedError) and verdict is Verdict.REFUSED:
        refusal = _record_failure(payment, problem, wiring)
        if refusal is not None:
            return refusal
    sentence = "WeChat Pay did not give a certain answer; the order is kept."
    if verdict is Verdict.NOT_NOW:
        sentence = "WeChat Pay does not take the order now; it is kept."
    wait = retry_after_of("create", problem)
    # Nobody has answered, so it may still arrive, and would void what a repetition is handed out before.
    unanswered = isinstance(problem, UnknownOutcomeError) and problem.http_status is None
    if unanswered or not claims.give_up_claim(payment, wiring):
        wait = max(wait, math.ceil(claims.seconds_left(payment, wiring)))
    return TryAgainError(sentence, details=_refusal_details(problem), retry_after=wait)


def _refusal_details(problem: RefusedError | UnknownOutcomeError) -> dict[str, object]:
    if isinstance(problem, UnknownOutcomeError):
        return {}
    details = {"wechatCode": problem.code, "requestId": problem.request_id}
    return {name: value for name, value in details.items() if value}


def _record_failure(payment: Payment, refused: RefusedError, wiring: Wiring) -> ApiError | None:
    """The last word, written down; None when the order has moved meanwhile, and can still be paid."""
    details = _refusal_details(refused)
    refusal = {name: str(value) for name, value in details.items()}
    try:
        wiring.store.fail_creation(payment, refusal=refusal, cause="refused", now=int(wiring.now()))
    except RefusedUpdate as overtaken:
        return _unpayable(wiring.store.reread(payment, overtaken), wiring.now())
    return WeChatRefusedError("WeChat Pay refused the order.", details=details)


def _close_forgotten(known: Payment, wiring: Wiring) -> ApiError:
    """An order that WeChat Pay had before we sent it, from before the table was restored, and with other content.

    No credential of it can be had any more, so it is closed; whoever asks again hears when that is proven.
    """
    now = int(wiring.now())
    try:
        known = wiring.store.begin_close(
            known.out_trade_no, cause="forgotten", due_at=now + FIRST_CHECK_SECONDS, now=now
        )
    except RefusedUpdate as overtaken:
        known = wiring.store.reread(known, overtaken)
    return _unpayable(known, now) or TryAgainError("The order moved while it was being sent.")


def _query(payment: Payment, wiring: Wiring) -> Payment | Verdict:
    """The order as a query finds it; or MISSING, or UNKNOWN."""
    try:
        return query_order(payment, wiring) or Verdict.MISSING
    except TryAgainError:
        return Verdict.UNKNOWN
