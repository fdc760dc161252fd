"""What WeChat Pay tells a merchant by itself: the envelope, with its resource encrypted."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.simulator.clock import rfc3339
from sandbox.simulator.order import Order
from sandbox.simulator.refund import Refund, RefundStatus
from sandbox.simulator.refund_shapes import refund_plaintext
from sandbox.simulator.signing import encrypted_resource
from sandbox.simulator.transaction import transaction

_REFUND_SUMMARIES = {
    RefundStatus.SUCCESS: "退款成功",
    RefundStatus.ABNORMAL: "退款异常",
    RefundStatus.CLOSED: "退款关闭",
}


@dataclass(frozen=True)
class Notification:
    """One event; id and body stay the same at every delivery, signatures do not."""

    id: str
    event_type: str
    url: str
    body: bytes


def payment_notification(order: Order, *, api_v3_key: str, now: float) -> Notification:
    """TRANSACTION.SUCCESS of a paid order (WeChat Pay APIv3, Payment notification)."""
    return _notification(
        event_type="TRANSACTION.SUCCESS",
        summary="支付成功",
        original_type="transaction",
        plaintext=transaction(order),
        url=order.request["notify_url"],
        api_v3_key=api_v3_key,
        now=now,
    )


def refund_notification(refund: Refund, url: str, *, api_v3_key: str, now: float) -> Notification:
    """REFUND.SUCCESS, REFUND.ABNORMAL or REFUND.CLOSED of a refund that has ended (WeChat Pay APIv3, Refund notification)."""
    return _notification(
        event_type=f"REFUND.{refund.status.value}",
        summary=_REFUND_SUMMARIES[refund.status],
        original_type="refund",
        plaintext=refund_plaintext(refund),
        url=url,
        api_v3_key=api_v3_key,
        now=now,
    )


def _notification(
    *,
    event_type: str,
    summary: str,
    original_type: str,
    plaintext: dict[str, Any],
    url: str,
    api_v3_key: str,
    now: float,
) -> Notification:
    notification_id = str(uuid.uuid4())
    envelope = {
        "id": notification_id,
        "create_time": rfc3339(now),
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": encrypted_resource(_json(plaintext), original_type=original_type, api_v3_key=api_v3_key),
    }
    return Notification(notification_id, event_type, url, _json(envelope))


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
