"""What WeChat looks at when a page, a mini program or an app calls up its cashier with signed parameters."""

from collections.abc import Mapping
from typing import Any

from wechatpay_simulator.controls.control_request import NotPossibleError
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.signing import signed_text

# WeChat Pay APIv3, Invoking payment. A mini program leaves appId out: WeChat knows which one it is.
_PAGE = ("timeStamp", "nonceStr", "package", "signType", "paySign")
# The names in lower case: its SDKs differ in that. `package` is `packageValue` where the language keeps the word to itself.
_APP = ("appid", "partnerid", "prepayid", "package", "noncestr", "timestamp", "sign")
_PREPAY_ID = "prepay_id="


class CallUp:
    """The cashier opens for parameters that the merchant has signed for an order of this kind."""

    def __init__(self, ledger: Ledger, merchant_keys: MerchantKeys, mchid: str) -> None:
        self._ledger = ledger
        self._merchant_keys = merchant_keys
        self._mchid = mchid

    def prepay_id(self, payment: Mapping[str, Any]) -> str:
        """The credential to pay by. `payment` is what the program hands to WeChat, letter by letter; NotPossibleError."""
        return self._of_page(payment) if "paySign" in payment else self._of_app(payment)

    def _of_page(self, payment: Mapping[str, Any]) -> str:
        texts = _texts(payment, _PAGE)
        package = texts["package"]
        if texts["signType"] != "RSA" or not package.startswith(_PREPAY_ID):
            raise _refused("CALL_UP_MEMBER", "package is prepay_id=…, signType is RSA")
        prepay_id = package.removeprefix(_PREPAY_ID)
        order = self._order(prepay_id, "JSAPI", payment.get("appId"))
        appid = order.request["appid"]
        self._require_signed((appid, texts["timeStamp"], texts["nonceStr"], package), texts["paySign"])
        return prepay_id

    def _of_app(self, payment: Mapping[str, Any]) -> str:
        lower = {name.lower(): value for name, value in payment.items()}
        texts = _texts(lower | {"package": lower.get("packagevalue", lower.get("package"))}, _APP)
        if texts["package"] != "Sign=WXPay" or texts["partnerid"] != self._mchid:
            raise _refused("CALL_UP_MEMBER", "package is Sign=WXPay, partnerId the merchant number")
        prepay_id = texts["prepayid"]
        self._order(prepay_id, "APP", texts["appid"])
        signed = (texts["appid"], texts["timestamp"], texts["noncestr"], prepay_id)
        self._require_signed(signed, texts["sign"])
        return prepay_id

    def _order(self, prepay_id: str, trade_type: str, appid: Any) -> Order:
        order = self._ledger.by_credential(prepay_id)
        if order.trade_type != trade_type:
            raise _refused(
                "CALL_UP_KIND", f"the order is {order.trade_type}, the parameters are {trade_type}"
            )
        if appid not in (None, order.request["appid"]):
            raise _refused("CALL_UP_APPID", "the order was placed for another appid")
        return order

    def _require_signed(self, lines: tuple[str, ...], signature: str) -> None:
        if not self._merchant_keys.signed(signed_text(*(line.encode() for line in lines)), signature):
            raise _refused(
                "CALL_UP_SIGNATURE",
                "WeChat says 支付验证签名失败: it is not the merchant's over these values",
            )


def _texts(payment: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    for name in names:
        value = payment.get(name)
        if not isinstance(value, str) or not value:
            raise _refused(
                "CALL_UP_MEMBER", f"WeChat says 调用支付缺少参数: {name} is a string that is not empty"
            )
    stamp = payment.get("timeStamp", payment.get("timestamp"))
    if len(str(stamp)) != 10 or not str(stamp).isdigit():
        raise _refused("CALL_UP_MEMBER", "the time stamp is in seconds, ten digits")
    return {name: payment[name] for name in names}


def _refused(code: str, why: str) -> NotPossibleError:
    return NotPossibleError(403, code, f"The cashier does not open: {why}.")
