"""Opening an order: write the intent down, send it, record what the buyer pays by.

The number and the exact request are stored before the first byte goes out. Whatever happens then, the same number and
the same bytes are sent again, so that one wish never becomes two orders.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from payments.asking import ask
from payments.due import AFTER_EXPIRY, FIRST_CHECK
from payments.errors import (
    ApiError,
    IdempotencyMismatchError,
    OrderClosedError,
    OrderPaidError,
    TryAgainError,
    WeChatRefusedError,
)
from payments.items import RefusedUpdate, StorageUnavailableError
from payments.lifecycle import Status
from payments.payment import Credential, Payment
from payments.verdicts import WAIT, Verdict, judge, repeated_after
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

CREDENTIAL_LIFE = 2 * 3600  # seconds; WeChat Pay APIv3, "Native order": code_url and prepay_id live two hours
RENEWED_BEFORE = 300  # seconds before its end at which a credential is not handed out any more
SENDING = 15  # seconds that a function which sends may live: after that its claim ends by itself
PATIENCE = 3.0  # seconds to wait for somebody else's send
LATER = 60  # seconds after which a payment that is still being created is looked at

Send = Callable[[bytes], Credential]


def open_order(wanted: Payment, *, send: Send, wiring: Wiring, again: bool) -> Payment:
    """Create the order `wanted`, or finish or find the one that the same Idempotency-Key opened before (`again`).

    `wanted` is a payment in CREATING; `send` puts its frozen request to WeChat Pay. Returns the payment with a
    credential. Raises ApiErrors for every other present truth; WeChatRefusedError only when the order has failed.
    """
    wanted = replace(wanted, claim=wiring.nonce(), claimed_until=wanted.created_at + SENDING)
    try:
        wiring.store.create(wanted, due_at=wanted.created_at + FIRST_CHECK)
    except RefusedUpdate:
        if again:
            return _present_truth(wanted, send, wiring, mine=wanted.claim)
        # A number of 130 random bits is nobody else's: our own first write went through and its answer was lost.
    except StorageUnavailableError as problem:
        raise _not_stored(wanted, wiring) from problem
    return _send(wanted, send, wiring, first=True)


def with_fresh_credential(known: Payment, *, send: Send, wiring: Wiring) -> Payment:
    """`known` as it was read, and with a fresh credential where the last one ends before the order does.

    Asks nobody while the credential lives. Raises the same ApiErrors as `open_order`.
    """
    return _present_truth(known, send, wiring) if _ending(known, wiring.now()) else known


def _present_truth(wanted: Payment, send: Send, wiring: Wiring, *, mine: str | None = None) -> Payment:
    """What there is under this number, completed where that is missing; `mine` is the claim that we may have put there."""
    known = _settled_read(wanted, wiring, mine)
    if mine is not None and known.claim == mine:  # our own first write went through, and its answer was lost
        return _send(known, send, wiring, first=True)
    now = wiring.now()
    if known.fingerprint != wanted.fingerprint:
        raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
    if (refusal := _unpayable(known, now)) is not None:
        raise refusal
    if known.status is Status.PENDING and not _ending(known, now):
        return known
    return _send(_claimed(known, wiring), send, wiring, first=False)


def _claimed(known: Payment, wiring: Wiring) -> Payment:
    """`known`, with the right to send it. Raises TryAgainError when somebody else has taken that."""
    claim, now = wiring.nonce(), int(wiring.now())
    try:
        return wiring.store.claim(known, claim=claim, until=now + SENDING, due_at=now + LATER, now=now)
    except RefusedUpdate as first:
        read = wiring.store.get(known.out_trade_no)
        if read is not None and read.claim == claim:  # our own write went through, and its answer was lost
            return read
        raise _being_sent(read, wiring) from first
    except StorageUnavailableError as problem:
        raise _not_stored(replace(known, claim=claim, claimed_until=now + SENDING), wiring) from problem


def _settled_read(wanted: Payment, wiring: Wiring, mine: str | None) -> Payment:
    """The payment under this number, once nobody else can still be in the middle of sending it."""
    waited = 0.0
    while True:
        known = wiring.store.get(wanted.out_trade_no)
        if known is None:
            raise TryAgainError("The order could not be read.")
        unready = known.status is Status.CREATING or _ending(known, wiring.now())
        sending = unready and known.claim != mine and _claim_left(known, wiring) > 0
        if not sending or known.fingerprint != wanted.fingerprint:
            return known
        if waited >= PATIENCE:
            raise _being_sent(known, wiring)
        wiring.pause(0.2)
        waited += 0.2


def _claim_left(known: Payment | None, wiring: Wiring) -> float:
    """Seconds that somebody may still be sending it."""
    claimed = known is not None and known.claim is not None
    return (known.claimed_until or 0) - wiring.now() if known is not None and claimed else 0.0


def _being_sent(known: Payment | None, wiring: Wiring) -> TryAgainError:
    left = max(1, math.ceil(_claim_left(known, wiring)))
    return TryAgainError("The same order is being sent right now.", retry_after=left)


def _not_stored(claimed: Payment, wiring: Wiring) -> TryAgainError:
    """Whether our claim was written down is not known; until it ends, nobody is sent."""
    left = max(WAIT, math.ceil(_claim_left(claimed, wiring)))
    return TryAgainError("The payment's storage did not answer.", retry_after=left)


def _ending(known: Payment, now: float) -> bool:
    """Whether the order outlives what it is paid by, and that ends within minutes."""
    expires_at = known.credential_expires_at
    if known.status is not Status.PENDING or expires_at is None:
        return False
    return expires_at < known.time_expire and expires_at - now < RENEWED_BEFORE


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
            known.due_at or 0, known.time_expire + AFTER_EXPIRY if known.time_expire <= now else 0
        )
        wait = min(max(WAIT, math.ceil(looked_at - now)), AFTER_EXPIRY)
        sentence = "The order is being closed; whether it was paid before is not known yet."
        return TryAgainError(sentence, details=number | {"closing": True}, retry_after=wait)
    return None


def _send(payment: Payment, send: Send, wiring: Wiring, *, first: bool) -> Payment:
    """Send it, whose claim is ours, and write down what came of it; `first` when nothing was sent before."""
    sent_at = int(wiring.now())
    try:
        credential = send(payment.wechat_request.encode())
    except (RefusedError, UnknownOutcomeError) as problem:
        raise _no_credential(payment, problem, wiring, first=first) from problem
    now = int(wiring.now())
    expires_at = min(sent_at + CREDENTIAL_LIFE, payment.time_expire)
    try:
        if payment.status is Status.PENDING:
            return wiring.store.credential_renewed(payment, credential, expires_at=expires_at)
        return wiring.store.credential_received(
            payment, credential, expires_at=expires_at, due_at=now + FIRST_CHECK, now=now
        )
    except RefusedUpdate as overtaken:
        known = wiring.store.get(payment.out_trade_no)
        if known is not None and (refusal := _unpayable(known, now)) is not None:
            raise refusal from overtaken
        if known is not None and known.credential_expires_at is not None and known.claim is None:
            return known
        raise TryAgainError("The order moved while it was being sent.") from overtaken
    except StorageUnavailableError as problem:
        raise _not_stored(payment, wiring) from problem


def _no_credential(
    payment: Payment, problem: RefusedError | UnknownOutcomeError, wiring: Wiring, *, first: bool
) -> ApiError:
    """What the caller is told. The order becomes FAILED only when it is certain that WeChat Pay does not have it."""
    details: dict[str, str] = {}
    if isinstance(problem, RefusedError):
        details["wechatCode"] = problem.code
        if problem.request_id:
            details["requestId"] = problem.request_id
    verdict = judge("create", problem, first=first)
    if verdict is Verdict.TO_BE_ASKED:
        known, asked = _asked(payment, wiring)
        if known is not None and (refusal := _unpayable(known, wiring.now())) is not None:
            return refusal
        certain = first and isinstance(problem, RefusedError) and not problem.after_unknown
        verdict = Verdict.REFUSED if asked and known is None and certain else Verdict.UNKNOWN
    if verdict is Verdict.REFUSED:
        try:
            wiring.store.creation_refused(payment, refusal=details, cause="refused", now=int(wiring.now()))
        except RefusedUpdate:
            known = wiring.store.get(payment.out_trade_no)
            if known is not None and (refusal := _unpayable(known, wiring.now())) is not None:
                return refusal
        else:
            return WeChatRefusedError("WeChat Pay refused the order.", details=dict(details))
    sentence = "WeChat Pay does not take the order now; it is kept."
    if verdict is not Verdict.NOT_NOW:
        sentence = "WeChat Pay did not give a certain answer; the order is kept."
    wait = max(repeated_after("create", problem), _claim_given_up(payment, wiring))
    return TryAgainError(sentence, details=dict(details), retry_after=wait)


def _asked(payment: Payment, wiring: Wiring) -> tuple[Payment | None, bool]:
    """The order as a query finds it (None: WeChat Pay proves that it has none), and whether there was an answer."""
    try:
        return ask(payment, wiring), True
    except TryAgainError:
        return None, False


def _claim_given_up(payment: Payment, wiring: Wiring) -> int:
    """Let whoever comes next send at once. Returns for how many seconds they cannot, where that did not come about."""
    try:
        wiring.store.give_up_claim(payment.out_trade_no, claim=payment.claim or "")
    except RefusedUpdate:  # settled, or somebody else's by now
        return 0
    except StorageUnavailableError:
        return max(0, math.ceil(_claim_left(payment, wiring)))
    return 0
