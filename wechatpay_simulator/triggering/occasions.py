"""What a notification of a kind says: an order, a refund or a complaint that there is not, whole all the same."""

from dataclasses import dataclass, replace
from typing import Any

from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.notifications.notification import (
    Notification,
    echo_notification,
    notification,
    payment_notification,
    refund_notification,
)
from wechatpay_simulator.orders.ledger import new_openid, new_transaction_id
from wechatpay_simulator.orders.order import Order, TradeState
from wechatpay_simulator.orders.transaction import transaction
from wechatpay_simulator.refunds.refund import Refund, RefundStatus
from wechatpay_simulator.refunds.refund_ledger import new_refund_id
from wechatpay_simulator.triggering.kinds import Kind

_REFUNDS = {f"REFUND.{status.value}": status for status in RefundStatus}
# WeChat Pay APIv3, Complaint notification: action_type.
_COMPLAINTS = {"COMPLAINT.CREATE": "CREATE_COMPLAINT", "COMPLAINT.STATE_CHANGE": "USER_RESPONSE"}


@dataclass(frozen=True)
class Occasion:
    """What is to be told of. `amount` is in fen; `plaintext`, where there is one, stands for whatever is encrypted."""

    out_trade_no: str
    out_refund_no: str
    amount: int
    plaintext: dict[str, Any] | None = None


def notification_of(
    kind: Kind, occasion: Occasion, credentials: Credentials, *, url: str, serial: str, now: float
) -> Notification:
    """The notification of `kind` for `url`. `serial` names the key that an echo would have asked for."""
    key = credentials.api_v3_key
    if occasion.plaintext is None:
        if kind == Kind("TRANSACTION.SUCCESS", "transaction"):
            return payment_notification(_paid(occasion, credentials, url, now), api_v3_key=key, now=now)
        if kind.event_type in _REFUNDS:
            refund = _refunded(occasion, credentials, url, now).ended(_REFUNDS[kind.event_type], now)
            return refund_notification(refund, url, api_v3_key=key, now=now)
        if kind.original_type == "security":
            said = {"echo_message": occasion.out_trade_no}
            return echo_notification(said, url, serial=serial, api_v3_key=key, now=now)
    return notification(
        event_type=kind.event_type,
        summary=kind.event_type,
        original_type=kind.original_type,
        plaintext=_said(kind, occasion, credentials) if occasion.plaintext is None else occasion.plaintext,
        url=url,
        api_v3_key=key,
        now=now,
    )


def payment_told(occasion: Occasion, credentials: Credentials, url: str, now: float) -> dict[str, Any]:
    """What is encrypted in the notification of a payment, for whoever changes a member of it before it is signed."""
    return transaction(_paid(occasion, credentials, url, now))


def _paid(occasion: Occasion, credentials: Credentials, url: str, now: float) -> Order:
    request = {
        "appid": credentials.appid,
        "mchid": credentials.mchid,
        "out_trade_no": occasion.out_trade_no,
        "notify_url": url,
        "amount": {"total": occasion.amount, "currency": "CNY"},
    }
    order = Order.placed("NATIVE", request, credential="", now=now)
    return replace(
        order,
        trade_state=TradeState.SUCCESS,
        transaction_id=new_transaction_id(now),
        success_time=now,
        openid=new_openid(),
    )


def _refunded(occasion: Occasion, credentials: Credentials, url: str, now: float) -> Refund:
    amount = {"refund": occasion.amount, "total": occasion.amount, "currency": "CNY"}
    return Refund(
        request={"out_refund_no": occasion.out_refund_no, "amount": amount},
        order=_paid(occasion, credentials, url, now),
        refund_id=new_refund_id(now),
        create_time=now,
        ends_at=None,
        ends_as=RefundStatus.SUCCESS,
    )


def _said(kind: Kind, occasion: Occasion, credentials: Credentials) -> dict[str, Any]:
    """Of a complaint what its document has; of kinds whose content the simulator does not know, whose it is."""
    if kind.event_type in _COMPLAINTS:
        return {
            "complaint_id": "2002018" + occasion.out_trade_no[-21:],
            "action_type": _COMPLAINTS[kind.event_type],
        }
    return {"mchid": credentials.mchid, "appid": credentials.appid}
