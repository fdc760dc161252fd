"""A refund as WeChat Pay speaks of it: to the merchant who asks, in the notification, and in the ledger."""

from typing import Any

from wechatpay_simulator.clock import rfc3339
from wechatpay_simulator.orders.means import Coupon
from wechatpay_simulator.refunds.refund import Refund


def refund_object(refund: Refund) -> dict[str, Any]:
    """The answer to a refund and to a query (WeChat Pay APIv3, Refund, Query refund: response parameters)."""
    amount: dict[str, Any] = {
        "total": refund.order.total,
        "refund": refund.amount,
        "payer_total": refund.order.payer_total,
        "payer_refund": refund.payer_refund,
        "settlement_total": refund.order.settlement_total,
        "settlement_refund": refund.settlement_refund,
        "discount_refund": sum(refund.coupon_parts),
        "currency": "CNY",
        "refund_fee": 0,
    }
    if "from" in refund.request["amount"]:
        amount["from"] = refund.request["amount"]["from"]
    return {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.order.transaction_id,
        "out_trade_no": refund.order.out_trade_no,
        "channel": refund.arrival.channel,
        "user_received_account": refund.arrival.received_by,
        **_success_time(refund),
        "create_time": rfc3339(refund.create_time),
        "status": refund.status.value,
        "funds_account": refund.funds_account,
        "amount": amount,
        "promotion_detail": [
            _promotion(coupon, part)
            for coupon, part in zip(refund.order.means.coupons, refund.coupon_parts, strict=True)
            if part
        ],
    }


def refund_plaintext(refund: Refund) -> dict[str, Any]:
    """What its notification holds, encrypted: other names and fewer of them (WeChat Pay APIv3, Refund notification)."""
    return {
        "mchid": refund.order.request["mchid"],
        "out_trade_no": refund.order.out_trade_no,
        "transaction_id": refund.order.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.status.value,
        **_success_time(refund),
        "user_received_account": refund.arrival.received_by,
        "amount": {
            "total": refund.order.total,
            "refund": refund.amount,
            "payer_total": refund.order.payer_total,
            "payer_refund": refund.payer_refund,
        },
    }


def refund_entry(refund: Refund) -> dict[str, Any]:
    """The refund in a line of the simulator's own ledger."""
    return {
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "status": refund.status.value,
        "amount": {"refund": refund.amount},
    }


def _promotion(coupon: Coupon, part: int) -> dict[str, Any]:
    return {
        "promotion_id": coupon.coupon_id,
        "scope": coupon.scope,
        "type": coupon.kind,
        "amount": coupon.amount,
        "refund_amount": part,
    }


def _success_time(refund: Refund) -> dict[str, str]:
    return {} if refund.success_time is None else {"success_time": rfc3339(refund.success_time)}
