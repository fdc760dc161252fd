"""The public view of one order that a checkout address gives, with a code that can be paid by."""

from dataclasses import replace

from payments.api import means, qr
from payments.api.checkouts.shown import shown
from payments.api.h5.link import h5_link
from payments.api.public_status import public_status
from payments.core.errors import ApiError, OrderNotFoundError, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.core.times import utc
from payments.use_cases.asking import find_order
from payments.use_cases.opening import renew_credential
from payments.wiring import Wiring


def opened_by(number: str, *, scene: str, wiring: Wiring, asked: bool = False) -> Payment:
    """The order with this number, with a fresh credential where the last one ends before the order and the scene needs it.

    Costs one read; only a credential in its last minutes costs more, and asking WeChat Pay, which a buyer does who says to have
    paid (`asked`). Where a fresh one cannot be had right now, the payment comes without any: the last may be void already. Raises
    OrderNotFoundError.
    """
    known = ask_about(number, wiring) if asked else _read(number, wiring)
    if known.method == "h5" and scene != "phone":  # its link is for nobody here
        return known
    try:
        return renew_credential(known, wiring=wiring)
    except TryAgainError:
        return _without_credential(known)
    except ApiError:  # paid, closed or refused meanwhile
        return _without_credential(_read(number, wiring))


def ask_about(out_trade_no: str, wiring: Wiring) -> Payment:
    """The order as WeChat Pay says, or as the table has it where that cannot be had now, or was asked a moment ago."""
    try:
        return find_order(out_trade_no, None, wiring) or _read(out_trade_no, wiring)
    except TryAgainError:
        return _read(out_trade_no, wiring)


def view(payment: Payment, *, scene: str, wiring: Wiring) -> dict[str, object]:
    """What anybody with the address may know: amounts in yuan as text, times in ISO 8601; absent members are left out.

    Within WeChat's browser a JSAPI order has `paymentParams` for its cashier, elsewhere a code of this very address. An H5 order has
    `h5Url` in a phone's browser, a code of this address on a desktop, and nothing within WeChat, which does not take it.
    """
    status = status_of(payment, wiring.now())
    members = shown(
        payment,
        payment.out_trade_no,
        status=status,
        version=payment.version,
        expires_at=payment.time_expire,
        refunded=payment.refunded,
        wiring=wiring,
    )
    members |= {"outTradeNo": payment.out_trade_no, "method": payment.method}
    if status == "waiting":
        members |= _means(payment, scene=scene, wiring=wiring)
    return members


def status_of(payment: Payment, now: float) -> str:
    """waiting, paid, partially_refunded, refunded, closing, closed, expired or failed.

    An order that is being closed, or whose time is over, is closing until WeChat Pay has proven that nobody has paid it;
    then it is expired where its time was over, and closed where somebody wished it.
    """
    if not payment.status.is_final and (payment.status is Status.CLOSING or now >= payment.time_expire):
        return "closing"
    return public_status(payment.status.word, expired=payment.updated_at >= payment.time_expire)


def _means(payment: Payment, *, scene: str, wiring: Wiring) -> dict[str, object]:
    """What the order is paid by, here; nothing while there is nothing that works."""
    if payment.method == "h5" and scene == "desktop":
        return {"qrCode": qr.data_url(means.checkout_address(payment, wiring))}
    if payment.credential_expires_at is None or (payment.method == "h5" and scene != "phone"):
        return {}
    until: dict[str, object] = {"codeExpiresAt": utc(payment.credential_expires_at)}
    if payment.code_url is not None:
        return {**until, "codeUrl": payment.code_url, "qrCode": qr.data_url(payment.code_url)}
    if payment.h5_url is not None:
        return {**until, "h5Url": h5_link(payment, means.checkout_address(payment, wiring))}
    if scene != "wechat":
        return {**until, "qrCode": qr.data_url(means.checkout_address(payment, wiring))}
    return {**until, "paymentParams": means.payment_params(payment, wiring)}


def _read(out_trade_no: str, wiring: Wiring) -> Payment:
    payment = wiring.store.get(out_trade_no)
    if payment is None:
        raise OrderNotFoundError
    return payment


def _without_credential(payment: Payment) -> Payment:
    return replace(payment, code_url=None, prepay_id=None, h5_url=None, credential_expires_at=None)
