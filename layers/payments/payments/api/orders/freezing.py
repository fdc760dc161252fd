"""From a checked order to its payment in CREATING: with the exact bytes that WeChat Pay is sent, now and at every retry."""

import json
import math
from collections.abc import Mapping

from payments.api.orders import members
from payments.api.request_bodies import NewJsapiOrder, NewOrder, description
from payments.core import identifiers
from payments.core.payment import CURRENCY, Payment
from payments.core.times import beijing
from payments.settings import Settings


def frozen(
    order: NewOrder,
    out_trade_no: str,
    *,
    appid: str,
    user_id: str,
    method: str,
    scene: Mapping[str, object] | None,
    source_ip: str,
    settings: Settings,
    now: int,
    until: float = math.inf,
) -> Payment:
    """With the exact bytes that WeChat Pay will be sent, now and at every retry; payable no longer than `until`.

    `now` and `until` in epoch seconds.
    """
    time_expire = int(min(now + settings.order_life, until))
    openid = order.openid if isinstance(order, NewJsapiOrder) else None
    wechat_request: dict[str, object] = {
        "appid": appid,
        "mchid": settings.mchid,
        "description": description(order.subject),
        "out_trade_no": out_trade_no,
        "time_expire": beijing(time_expire),
        "notify_url": settings.notify_url,
        "amount": {"total": order.fen, "currency": CURRENCY},
    }
    if openid is not None:
        wechat_request["payer"] = {"openid": openid}
    optional = order.in_wechats_words
    wechat_request |= members.frozen_members(optional, scene, source_ip=source_ip)
    asked: dict[str, object] = {
        "user_id": user_id,
        "content_id": order.content_id,
        "amount": order.fen,
        "subject": order.subject,
        "body": order.body,
        "metadata": order.metadata,
        "openid": openid,
    }
    # A request without one of these keeps the fingerprint that it always had.
    later = {"return_url": order.return_url, "app": order.app} | optional
    asked |= {name: value for name, value in later.items() if value is not None}
    return Payment(
        out_trade_no=out_trade_no,
        payment_id=identifiers.payment_id(out_trade_no),
        user_id=user_id,
        content_id=order.content_id,
        method=method,
        subject=order.subject,
        body=order.body,
        metadata=order.metadata_text,
        openid=openid,
        return_url=order.return_url,
        mchid=settings.mchid,
        appid=appid,
        amount=order.fen,
        currency=CURRENCY,
        fingerprint=identifiers.fingerprint(asked),
        wechat_request=json.dumps(wechat_request, ensure_ascii=False, separators=(",", ":")),
        time_expire=time_expire,
        created_at=now,
        updated_at=now,
        sent_at=now,
    )
