"""Closing an order: want it, ask WeChat Pay for it, and believe only its 204 or its own word that it is closed."""

from payments.core.errors import OrderPaidError, RefusedUpdate, StorageUnavailableError, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.core.schedule import FIRST_CHECK_SECONDS
from payments.use_cases.asking import found_instead, query_order
from payments.use_cases.verdicts import retry_after_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError


def begin_close(out_trade_no: str, owner: str | None, wiring: Wiring) -> Payment | None:
    """Keep the wish to close an order where it is still open; returns the order then, for `close_order`.

    `owner` is the user whose orders alone the caller may close, None for everybody's. None when there is no such order.
    """
    try:
        return _keep_wish(out_trade_no, owner, wiring)
    except (RefusedUpdate, StorageUnavailableError) as problem:
        return found_instead(out_trade_no, owner, problem, wiring)


def close_order(payment: Payment, wiring: Wiring) -> Payment:
    """Close `payment`, as it was read; returns it when nobody can pay it any more.

    Raises OrderPaidError when the money is there, TryAgainError while nobody can tell, a refusal included: the wish is
    kept, no credential is handed out from now on, and it is asked again until the order is closed or paid.
    """
    if payment.status.rank < Status.CLOSING.rank:
        try:
            payment = _keep_wish(payment.out_trade_no, None, wiring)
        except RefusedUpdate as overtaken:
            payment = _found(payment, overtaken, wiring)
    if payment.status in (Status.CLOSED, Status.FAILED):
        return payment
    _refuse_if_paid(payment)
    refused: RefusedError | UnknownOutcomeError
    try:
        wiring.wechat.close(payment.out_trade_no)
    except (RefusedError, UnknownOutcomeError) as problem:
        refused = problem
    else:
        return _confirm_close(payment, wiring)
    try:
        payment = query_order(payment, wiring) or payment
    except TryAgainError as unknown:
        unknown.details["closing"] = True
        raise
    _refuse_if_paid(payment)
    if payment.status in (Status.CLOSED, Status.FAILED):
        return payment
    raise TryAgainError(
        "WeChat Pay did not give a certain answer; the order is being closed.",
        details={"closing": True}
        | ({"wechatCode": refused.code} if isinstance(refused, RefusedError) else {}),
        retry_after=retry_after_of("close", refused),
    ) from refused


def _keep_wish(out_trade_no: str, owner: str | None, wiring: Wiring) -> Payment:
    now = int(wiring.now())
    return wiring.store.begin_close(
        out_trade_no, cause="close", due_at=now + FIRST_CHECK_SECONDS, now=now, owner=owner
    )


def _confirm_close(payment: Payment, wiring: Wiring) -> Payment:
    try:
        return wiring.store.confirm_close(payment.out_trade_no, cause="close", now=int(wiring.now()))
    except RefusedUpdate as overtaken:
        payment = _found(payment, overtaken, wiring)
        _refuse_if_paid(payment)
        return payment


def _found(payment: Payment, overtaken: RefusedUpdate, wiring: Wiring) -> Payment:
    known = wiring.store.found(payment.out_trade_no, overtaken)
    if known is None:
        raise TryAgainError("The order could not be read.")
    return known


def _refuse_if_paid(payment: Payment) -> None:
    if payment.status.rank >= Status.PAID.rank:
        raise OrderPaidError("The order is already paid.", details={"outTradeNo": payment.out_trade_no})
