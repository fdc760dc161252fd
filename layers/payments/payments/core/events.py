"""Rows as EventBridge events: what a status change, or a notification that nobody handles, looks like to the rest of the product."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from payments.core import history
from payments.core.history import plain
from payments.core.lifecycle import PAYMENT_DUPLICATED, RefundStatus, Status
from payments.core.payment import HistoryEntry
from payments.core.times import utc

SOURCE = "wechatpay.payments"
NOTIFICATION_RECEIVED = "NotificationReceived"
MAX_ENTRIES_PER_CALL = 10  # entries that one PutEvents takes


# The attributes of a payment that its events tell of; the others, refunds and history above all, are much to read and never told.
_TOLD = (
    *(
        "out_trade_no",
        "payment_id",
        "user_id",
        "content_id",
        "amount",
        "currency",
        "transaction_id",
        "time_expire",
        "checkout_id",
        "attempt",
        "duplicate_of",
    ),
    "metadata",
)

RESTORED = "restored"  # attribute of an item that `make restore` has copied, whole with its history


def entries_of(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], *, bus: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Event ids and PutEvents entries of what happened between two images of a row in DynamoDB's own JSON.

    A payment tells its transitions; a kept notification, once, that it came; an echo, in the same table, nothing.
    """
    if "notification_id" in new:
        if old is None and "event_type" in new:
            yield _received(new, bus=bus)
        return
    item = {name: plain(new[name]) for name in _TOLD if name in new}
    entries, known = new["history"]["L"], len(old["history"]["L"]) if old else 0
    for entry in history.since(entries, known):
        if entry.event is not None:
            detail = _detail(item, entry)
            if entry.out_refund_no is not None:
                detail["refundedAmount"] = history.refunded(entries[: entry.version])
            yield (
                detail["id"],
                {
                    "Source": SOURCE,
                    "DetailType": entry.event,
                    "EventBusName": bus,
                    "Time": entry.at,
                    "Detail": msgspec.json.encode(detail).decode(),
                },
            )


def _received(new: Mapping[str, Any], *, bus: str) -> tuple[str, dict[str, Any]]:
    item = {name: plain(value) for name, value in new.items()}
    detail = {
        "id": item["notification_id"],
        "eventType": item["event_type"],
        "originalType": item.get("original_type"),
        "createTime": item.get("create_time"),
        "occurredAt": utc(item["seen_at"]),
    }
    present = {name: value for name, value in detail.items() if value is not None}
    return item["notification_id"], {
        "Source": SOURCE,
        "DetailType": NOTIFICATION_RECEIVED,
        "EventBusName": bus,
        "Time": item["seen_at"],
        "Detail": msgspec.json.encode(present).decode(),
    }


def _detail(item: Mapping[str, Any], entry: HistoryEntry) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "id": f"{item['out_trade_no']}#{entry.version}",
        "version": entry.version,
        "outTradeNo": item["out_trade_no"],
        "paymentId": item["payment_id"],
        "userId": item["user_id"],
        "contentId": item["content_id"],
        "checkoutId": item.get("checkout_id"),
        "attempt": item.get("attempt"),
        "amount": {"total": item["amount"], "currency": item["currency"]},
        "status": entry.status.word,
        "previousStatus": entry.previous.word if entry.previous else None,
        "transactionId": item.get("transaction_id") if entry.status.rank >= Status.PAID.rank else None,
        "refund": _refund(entry),
        "expired": True if entry.status is Status.CLOSED and _was_over(item, entry.at) else None,
        "duplicateOf": item.get("duplicate_of") if entry.event == PAYMENT_DUPLICATED else None,
        "latePaid": True if entry.late else None,
        "refundedElsewhere": True if entry.elsewhere else None,
        "occurredAt": utc(entry.at),
        "metadata": _metadata(item),
    }
    return {name: value for name, value in detail.items() if value is not None}


def _metadata(item: Mapping[str, Any]) -> msgspec.Raw:
    """The caller's own members as they were written, and of a checkout's order the id of that."""
    text: str = item.get("metadata", "{}")
    if "checkout_id" not in item:
        return msgspec.Raw(text.encode())
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    members["checkoutId"] = msgspec.Raw(msgspec.json.encode(item["checkout_id"]))
    return msgspec.Raw(msgspec.json.encode(members))


def _was_over(item: Mapping[str, Any], at: int) -> bool:
    """Whether the time to pay was over. Without a last moment nothing is said of it, rather than nothing published."""
    return "time_expire" in item and at >= item["time_expire"]


def _refund(entry: HistoryEntry) -> dict[str, Any] | None:
    if entry.out_refund_no is None:
        return None
    status = entry.refund_status or RefundStatus.REQUESTED
    refund = {"outRefundNo": entry.out_refund_no, "amount": entry.amount, "status": status.word}
    return refund | ({"toMerchant": True} if entry.to_merchant else {})
