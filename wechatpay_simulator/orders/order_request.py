"""What a request to create or close an order may say (WeChat Pay APIv3, Native, JSAPI, H5 and App order, Close order)."""

from collections.abc import Mapping

from wechatpay_simulator.protocol.fields import (
    Boolean,
    Currency,
    Integer,
    Items,
    Moment,
    Rule,
    Structure,
    Text,
)

# The expression that WeChat Pay's own refusal shows.
NOTIFY_URL = r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"

OUT_TRADE_NO = Text("商户订单号", 32, minimum=6, pattern=r"^[0-9a-zA-Z_\-|*]+$")
TRANSACTION_ID = Text("微信支付订单号", 32)
MCHID = Text("直连商户号", 32)

# What the buyer may not pay with; nothing is refused here because of it.
_LIMIT_PAY = Text("支付方式", 32, pattern=r"^(no_balance|no_credit|no_debit|balance_only)$")

_GOODS = Structure(
    "单品列表",
    {
        "merchant_goods_id": Text("商户侧商品编码", 32, pattern=r"^[0-9a-zA-Z_\-]+$"),
        "wechatpay_goods_id": Text("微信侧商品编码", 32, required=False),
        "goods_name": Text("商品名称", 256, required=False),
        "quantity": Integer("商品数量", minimum=1),
        "unit_price": Integer("商品单价"),
    },
)

_STORE = Structure(
    "商户门店信息",
    {
        "id": Text("门店编号", 32),
        "name": Text("门店名称", 256, required=False),
        "area_code": Text("地区编码", 32, required=False),
        "address": Text("详细地址", 512, required=False),
    },
)


def _scene(*, of_h5: bool) -> Structure:
    """SDKs have one scene for all kinds of order, so `h5_info` is known to every one; an H5 order requires it."""
    h5_info = Structure(
        "H5场景信息",
        {
            "type": Text("场景类型", 32),
            "app_name": Text("应用名称", 64, required=False),
            "app_url": Text("网站URL", 128, required=False),
            "bundle_id": Text("iOS平台BundleID", 128, required=False),
            "package_name": Text("Android平台PackageName", 128, required=False),
        },
        required=of_h5,
    )
    return Structure(
        "场景信息",
        {
            "payer_client_ip": Text("用户终端IP", 45),
            "device_id": Text("商户端设备号", 32, required=False),
            "store_info": _STORE,
            "h5_info": h5_info,
        },
        required=of_h5,
    )


_COMMON: Mapping[str, Rule] = {
    "appid": Text("公众号ID", 32),
    "mchid": MCHID,
    "description": Text("商品描述", 127),
    "out_trade_no": OUT_TRADE_NO,
    "time_expire": Moment("交易结束时间"),
    "attach": Text("附加数据", 128, required=False),
    "notify_url": Text("通知地址", 255, pattern=NOTIFY_URL),
    "goods_tag": Text("订单优惠标记", 32, required=False),
    "limit_pay": Items("指定支付方式", _LIMIT_PAY),
    "support_fapiao": Boolean("电子发票入口开放标识"),
    "amount": Structure(
        "订单金额",
        {"total": Integer("总金额", minimum=1), "currency": Currency()},
        required=True,
    ),
    "detail": Structure(
        "优惠功能",
        {
            "cost_price": Integer("订单原价", required=False),
            "invoice_id": Text("商品小票ID", 32, required=False),
            "goods_detail": Items("单品列表", _GOODS),
        },
        maximum=6144,
    ),
    "scene_info": _scene(of_h5=False),
    "settle_info": Structure("结算信息", {"profit_sharing": Boolean("是否指定分账")}),
}

# For merchants who may only sell to a certain person: the two last are encrypted, and not opened here.
_IDENTITY = Structure(
    "实名支付用户身份标识",
    {
        "type": Text("证件类型", 32),
        "number": Text("证件号", 1024),
        "name": Text("证件姓名", 1024, required=False),
    },
)
_PAYER = Structure(
    "支付者",
    {"openid": Text("用户标识", 128, pattern=r"^[0-9a-zA-Z_\-]+$"), "identity": _IDENTITY},
    required=True,
)

NATIVE = APP = Structure("请求", _COMMON)
JSAPI = Structure("请求", {**_COMMON, "payer": _PAYER})
H5 = Structure("请求", {**_COMMON, "scene_info": _scene(of_h5=True)})
CLOSE = Structure("请求", {"mchid": MCHID})
