"""The trade bill of a day: one row for each payment of that day, and for each refund that was asked for on it."""

from collections.abc import Iterable, Sequence

from wechatpay_simulator.bills.bill_text import Row, fen, yuan
from wechatpay_simulator.bills.fee import RATE, fee_of, fees_returned
from wechatpay_simulator.clock import bill_time
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.refunds.refund import Refund, RefundStatus

# WeChat Pay APIv3, Trade bill: columns by bill_type.
_ORDER = (
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识"),
    *("交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额"),
)
_REFUND_TIMES = ("退款申请时间", "退款成功时间")
_REFUND = ("微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态")
_GOODS = ("商品名称", "商户数据包", "手续费", "费率")
ADDED = ("订单金额", "申请退款金额", "费率备注")
"""The columns that older bills lack."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "ALL": (*_ORDER, *_REFUND, *_GOODS, *ADDED),
    "SUCCESS": (*_ORDER, *_GOODS, "订单金额", "费率备注"),
    "REFUND": (*_ORDER, *_REFUND_TIMES, *_REFUND, *_GOODS, *ADDED),
}
_SUMS = {  # each sum is of one column
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
# What a bill calls a refund's state; these are the names of older APIs, and FAIL of a closed one is our reading.
_STATES = {
    RefundStatus.PROCESSING: "PROCESSING",
    RefundStatus.SUCCESS: "SUCCESS",
    RefundStatus.CLOSED: "FAIL",
    RefundStatus.ABNORMAL: "CHANGE",
}


def trade_rows(orders: Iterable[Order], refunds: Sequence[Refund]) -> list[tuple[float, Row]]:
    """A row for each of these paid orders, and for each of these refunds, with its moment; in no order.

    `refunds` are all of the orders that they belong to, for their fees are counted together.
    """
    rows: list[tuple[float, Row]] = [(order.success_time or 0, _payment(order)) for order in orders]
    of_order: dict[str, list[Refund]] = {}
    for refund in refunds:
        of_order.setdefault(refund.order.out_trade_no, []).append(refund)
    for each in of_order.values():
        returned = fees_returned(each)
        rows += [(refund.create_time, _refund(refund, returned[refund.out_refund_no])) for refund in each]
    return rows


def trade_sums(rows: Sequence[Row], columns: Sequence[str]) -> Row:
    """The row of sums: of the columns that this bill has."""
    sums = {"总交易单数": str(len(rows))}
    for name, column in _SUMS.items():
        if column in columns:
            if column == "手续费":
                sums[name] = _fee(sum(fen(row.get(column, "")) for row in rows))
            else:
                sums[name] = yuan(sum(fen(row.get(column, "")) for row in rows))
    return sums


def _payment(order: Order) -> dict[str, str]:
    return _of_order(order) | {
        "交易时间": bill_time(order.success_time or 0),
        "交易状态": "SUCCESS",
        "应结订单金额": yuan(order.settlement_total),
        "代金券金额": yuan(order.means.discount),
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "退款类型": "",
        "退款状态": "",
        "手续费": _fee(fee_of(order)),
        "订单金额": yuan(order.total),
        "申请退款金额": "0.00",
    }


def _refund(refund: Refund, fee: int) -> dict[str, str]:
    asked_at = bill_time(refund.create_time)
    return _of_order(refund.order) | {
        "交易时间": asked_at,
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "代金券金额": "0.00",
        "退款申请时间": asked_at,
        "退款成功时间": "" if refund.success_time is None else bill_time(refund.success_time),
        "微信退款单号": refund.refund_id,
        "商户退款单号": refund.out_refund_no,
        "退款金额": yuan(refund.settlement_refund),
        "充值券退款金额": yuan(sum(refund.coupon_parts) - refund.order.means.not_due_of(refund.coupon_parts)),
        "退款类型": "ORIGINAL" if refund.arrival.channel == "ORIGINAL" else "OTHER",
        "退款状态": _STATES[refund.status],
        "手续费": _fee(-fee),
        "订单金额": "0.00",
        "申请退款金额": yuan(refund.amount),
    }


def _of_order(order: Order) -> dict[str, str]:
    request = order.request
    return {
        "公众账号ID": request["appid"],
        "商户号": request["mchid"],
        "特约商户号": "0",
        "设备号": request.get("scene_info", {}).get("device_id", ""),
        "微信订单号": order.transaction_id or "",
        "商户订单号": order.out_trade_no,
        "用户标识": order.openid or "",
        "交易类型": order.trade_type,
        "付款银行": order.means.bank_type,
        "货币种类": "CNY",
        "商品名称": request["description"],
        "商户数据包": request.get("attach", ""),
        "费率": RATE,
        "费率备注": "",
    }


def _fee(fee: int) -> str:
    """Five decimals, negative where it comes back."""
    return yuan(fee) + "000"
