"""What WeChat Pay tells a merchant by itself: the envelope, with its resource encrypted."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from wechatpay_simulator.clock import rfc3339
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.orders.transaction import transaction
from wechatpay_simulator.protocol.signing import encrypted_resource
from wechatpay_simulator.refunds.refund import Refund, RefundStatus
from wechatpay_simulator.refunds.refund_shapes import refund_plaintext

ENCRYPTED = "encrypt-resource"

_REFUND_SUMMARIES = {
    RefundStatus.SUCCESS: "退款成功",
    RefundStatus.ABNORMAL: "退款异常",
    RefundStatus.CLOSED: "退款关闭",
}


@dataclass(frozen=True)
class Notification:
    """One event; id and body stay the same at every delivery, signatures do not.

    `serial` names the key of WeChat Pay's that is to sign it; None: whichever is due. `out_trade_no` is of the order that it
    is about, if it is about one.
    """

    id: str
    event_type: str
    url: str
    body: bytes
    serial: str | None = None
    out_trade_no: str | None = None


def payment_notification(order: Order, *, api_v3_key: str, now: float) -> Notification:
    """TRANSACTION.SUCCESS of a paid order (WeChat Pay APIv3, Payment notification)."""
    return notification(
        event_type="TRANSACTION.SUCCESS",
        summary="支付成功",
        original_type="transaction",
        plaintext=transaction(order),
        url=order.request["notify_url"],
        api_v3_key=api_v3_key,
        now=now,
        out_trade_no=order.out_trade_no,
    )


def refund_notification(refund: Refund, url: str, *, api_v3_key: str, now: float) -> Notification:
    """REFUND.SUCCESS, REFUND.ABNORMAL or REFUND.CLOSED of a refund that has ended (WeChat Pay APIv3, Refund notification)."""
    return notification(
        event_type=f"REFUND.{refund.status.value}",
        summary=_REFUND_SUMMARIES[refund.status],
        original_type="refund",
        plaintext=refund_plaintext(refund),
        url=url,
        api_v3_key=api_v3_key,
        now=now,
        out_trade_no=refund.order.out_trade_no,
    )


def echo_notification(
    said: dict[str, Any], url: str, *, serial: str, api_v3_key: str, now: float
) -> Notification:
    """SECURITY_ECHO.SUCCESS of an echo that asked for it, signed with the key that the echo named."""
    return notification(
        event_type="SECURITY_ECHO.SUCCESS",
        summary="回调通知成功",
        original_type="security",
        plaintext=said,
        url=url,
        api_v3_key=api_v3_key,
        now=now,
        serial=serial,
    )


def notification(
    *,
    event_type: str,
    summary: str,
    original_type: str | None,
    plaintext: dict[str, Any] | str,
    url: str,
    api_v3_key: str,
    now: float,
    resource_type: str = ENCRYPTED,
    associated_data: str | None = None,
    serial: str | None = None,
    out_trade_no: str | None = None,
) -> Notification:
    """A notification of any kind. The associated data are its original type, unless said otherwise.

    A plaintext that is a string is encrypted as it is. See Notification for `serial` and `out_trade_no`.
    """
    notification_id = str(uuid.uuid4())
    envelope = {
        "id": notification_id,
        "create_time": rfc3339(now),
        "resource_type": resource_type,
        "event_type": event_type,
        "summary": summary,
        "resource": encrypted_resource(
            plaintext.encode("utf-8", "replace") if isinstance(plaintext, str) else _json(plaintext),
            original_type=original_type,
            associated_data=(original_type or "") if associated_data is None else associated_data,
            api_v3_key=api_v3_key,
        ),
    }
    return Notification(notification_id, event_type, url, _json(envelope), serial, out_trade_no)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
