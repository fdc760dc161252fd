"""An order as WeChat Pay speaks of it: to the merchant who queries, in the notification, and in the ledger."""

from collections.abc import Iterable
from typing import Any

from wechatpay_simulator.clock import rfc3339
from wechatpay_simulator.orders.h5_link import h5_link
from wechatpay_simulator.orders.means import Coupon
from wechatpay_simulator.orders.order import DESCRIPTIONS, Order
from wechatpay_simulator.refunds.refund import Refund
from wechatpay_simulator.refunds.refund_shapes import refund_entry

# Members of a request that an order may have; what they bring about is not played here, but that coupons are, by a control.
_SHOWN = ("attach", "goods_tag", "support_fapiao", "detail", "scene_info", "settle_info")


def transaction(order: Order) -> dict[str, Any]:
    """The body of a query; once paid, also the plaintext of the notification (WeChat Pay APIv3, Query order)."""
    common: dict[str, Any] = {
        "appid": order.request["appid"],
        "mchid": order.request["mchid"],
        "out_trade_no": order.out_trade_no,
        "trade_state": order.trade_state.value,
        "trade_state_desc": DESCRIPTIONS[order.trade_state],
        "promotion_detail": [_promotion(coupon) for coupon in order.means.coupons],
    }
    device_id = order.request.get("scene_info", {}).get("device_id")
    if order.transaction_id is None or order.success_time is None:
        return common | {
            "amount": {"payer_currency": "CNY", "total": order.total},
            "scene_info": {"device_id": device_id or ""},
        }
    paid = common | {
        "transaction_id": order.transaction_id,
        "trade_type": order.trade_type,
        "bank_type": order.means.bank_type,
        "attach": order.request.get("attach", ""),
        "success_time": rfc3339(order.success_time),
        "payer": {"openid": order.openid},
        "amount": {
            "total": order.total,
            "payer_total": order.payer_total,
            "currency": "CNY",
            "payer_currency": order.means.payer_currency,
        },
    }
    return paid | ({"scene_info": {"device_id": device_id}} if device_id else {})


def _promotion(coupon: Coupon) -> dict[str, Any]:
    contributions = {
        f"{payer}_contribute": coupon.amount if payer == coupon.paid_by else 0
        for payer in ("wechatpay", "merchant", "other")
    }
    return {
        "coupon_id": coupon.coupon_id,
        "name": coupon.name,
        "scope": coupon.scope,
        "type": coupon.kind,
        "amount": coupon.amount,
        "stock_id": coupon.coupon_id,
        **contributions,
        "currency": "CNY",
    }


def ledger_entry(order: Order, refunds: Iterable[Refund], *, origin: str) -> dict[str, Any]:
    """One line of the simulator's own ledger; transaction_id is absent until the order is paid.

    What the merchant said beside that is shown as it was said. An H5 order has its latest `h5_url`, which leads to `origin`.
    """
    entry: dict[str, Any] = {
        "out_trade_no": order.out_trade_no,
        "appid": order.request["appid"],
        "trade_type": order.trade_type,
        "trade_state": order.trade_state.value,
        "amount": {"total": order.total},
        "description": order.request["description"],
        "notify_url": order.request["notify_url"],
        "refunds": [refund_entry(refund) for refund in refunds],
    }
    entry |= {name: order.request[name] for name in _SHOWN if name in order.request}
    if order.trade_type == "MWEB":
        entry["h5_url"] = h5_link(origin, order.credential)
    return entry if order.transaction_id is None else entry | {"transaction_id": order.transaction_id}
