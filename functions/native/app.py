"""POST /api/v1/payments/wechat/native: open a payment that the buyer pays by scanning a QR code."""

import json
from typing import Any

from payments import answers, numbers, opening, qr, quotes
from payments.bodies import NewOrder, description, idempotency_key, load_order
from payments.callers import Caller
from payments.errors import NotAllowedError
from payments.http import Request, endpoint
from payments.payment import CURRENCY, Credential, Payment
from payments.times import beijing
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Check, open the order, draw its code."""
    caller = request.caller
    order = load_order(request.body)
    key = idempotency_key(request.headers)
    user_id = payer_of(caller, order, wiring)
    wanted = frozen(order, user_id=user_id, caller=caller, key=key, wiring=wiring)
    request.about(wanted)
    payment = opening.open_order(
        wanted,
        send=lambda body: Credential(code_url=wiring.wechat.order_native(body)),
        wiring=wiring,
        again=key is not None,
    )
    request.about(payment)
    code_url = payment.code_url or ""
    return {**answers.opened(payment), "codeUrl": code_url, "qrCode": qr.data_url(code_url)}


def payer_of(caller: Caller, order: NewOrder, wiring: Wiring) -> str:
    """Whose order this is: a backend may name anybody; a buyer pays for themselves, at a quoted price."""
    if caller.may_charge:
        return order.user_id or caller.sub
    if order.user_id not in (None, caller.sub):
        raise NotAllowedError(
            "userId must be the caller's own.",
            details={"field": "userId", "issue": "must be the caller's own"},
        )
    if wiring.settings.requires_quote:
        quotes.check(
            order.quote,
            key=wiring.verification.value().quote_key,
            sub=caller.sub,
            content_id=order.content_id,
            amount=order.fen,
            now=wiring.now(),
        )
    return caller.sub


def frozen(order: NewOrder, *, user_id: str, caller: Caller, key: str | None, wiring: Wiring) -> Payment:
    """The payment in CREATING, with the exact bytes that WeChat Pay will be sent, now and at every retry."""
    settings, now = wiring.settings, int(wiring.now())
    if key is None:
        out_trade_no = numbers.random_number("WX", wiring.entropy())
    else:
        out_trade_no = numbers.out_trade_no(
            scope=settings.stack_scope, route="native", caller=caller.sub, key=key
        )
    time_expire = now + opening.ORDER_LIFE
    wechat_request = {
        "appid": settings.appid,
        "mchid": settings.mchid,
        "description": description(order.subject),
        "out_trade_no": out_trade_no,
        "time_expire": beijing(time_expire),
        "notify_url": settings.notify_url,
        "amount": {"total": order.fen, "currency": CURRENCY},
    }
    asked = {
        "user_id": user_id,
        "content_id": order.content_id,
        "amount": order.fen,
        "subject": order.subject,
        "body": order.body,
        "metadata": order.metadata,
    }
    return Payment(
        out_trade_no=out_trade_no,
        payment_id=numbers.payment_id(out_trade_no),
        user_id=user_id,
        content_id=order.content_id,
        method="native",
        subject=order.subject,
        body=order.body,
        metadata=order.metadata_text,
        mchid=settings.mchid,
        appid=settings.appid,
        amount=order.fen,
        currency=CURRENCY,
        fingerprint=numbers.fingerprint(asked),
        wechat_request=json.dumps(wechat_request, ensure_ascii=False, separators=(",", ":")),
        time_expire=time_expire,
        created_at=now,
        updated_at=now,
    )


lambda_handler = endpoint(answer)
