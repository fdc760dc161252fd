"""What a request to refund may say (WeChat Pay APIv3, Refund: request parameters)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wechatpay_simulator.orders.order_request import NOTIFY_URL, OUT_TRADE_NO, TRANSACTION_ID
from wechatpay_simulator.protocol.fields import Currency, Integer, Items, Structure, Text
from wechatpay_simulator.protocol.refusals import parameter_error

OUT_REFUND_NO = Text("商户退款单号", 64, pattern=r"^[0-9a-zA-Z_\-|*@]+$")

_FROM = Structure(
    "退款出资账户及金额",
    {
        "account": Text("出资账户类型", 32, pattern=r"^(AVAILABLE|UNAVAILABLE)$"),
        "amount": Integer("出资金额", minimum=1),
    },
)

_GOODS = Structure(
    "退款商品",
    {
        "merchant_goods_id": Text("商户侧商品编码", 32, pattern=r"^[0-9a-zA-Z_\-]+$"),
        "wechatpay_goods_id": Text("微信侧商品编码", 32, required=False),
        "goods_name": Text("商品名称", 256, required=False),
        "unit_price": Integer("商品单价"),
        "refund_amount": Integer("商品退款金额"),
        "refund_quantity": Integer("商品退货数量", minimum=1),
    },
)

REFUND = Structure(
    "请求",
    {
        "transaction_id": replace(TRANSACTION_ID, required=False),
        "out_trade_no": replace(OUT_TRADE_NO, required=False),
        "out_refund_no": OUT_REFUND_NO,
        "reason": Text("退款原因", 80, required=False),
        "notify_url": Text("退款结果回调url", 256, minimum=8, pattern=NOTIFY_URL, required=False),
        "funds_account": Text("退款资金来源", 32, pattern=r"^(AVAILABLE|UNSETTLED)$", required=False),
        "amount": Structure(
            "金额信息",
            {
                "refund": Integer("退款金额", minimum=1),
                "total": Integer("原订单金额", minimum=1),
                "currency": Currency("退款币种", required=True),
                "from": Items("退款出资账户及金额", _FROM),
            },
            required=True,
        ),
        "goods_detail": Items("退款商品", _GOODS),
    },
)


def check(request: Mapping[str, Any]) -> None:
    """Raise a PARAM_ERROR refusal unless `request`, by the rules of REFUND, keeps those that its members have together."""
    if "transaction_id" not in request and "out_trade_no" not in request:
        raise parameter_error(
            "微信支付订单号和商户订单号不能同时为空",
            pointer="/transaction_id",
            issue="either transaction_id or out_trade_no is required",
        )
    amount = request["amount"]
    if "from" in amount and sum(part["amount"] for part in amount["from"]) != amount["refund"]:
        raise parameter_error(
            "退款出资账户金额之和与退款金额不一致",
            pointer="/amount/from",
            issue="the parts do not add up to amount.refund",
        )
