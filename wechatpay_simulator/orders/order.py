"""One order: what was asked for, how long it can be paid, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from wechatpay_simulator.orders.means import FROM_BALANCE, Means

# Of a code_url, a prepay_id, an h5_url (WeChat Pay APIv3, Native order, JSAPI order, App order, H5 order).
CREDENTIAL_LIFE_SECONDS = {"NATIVE": 2 * 3600, "JSAPI": 2 * 3600, "APP": 2 * 3600, "MWEB": 5 * 60}
DEFAULT_PAYABLE_SECONDS = 7 * 86400
MIN_PAYABLE_SECONDS = 60
MAX_PAYABLE_SECONDS = 15 * 86400


class TradeState(StrEnum):
    """WeChat Pay APIv3, Query order: trade_state. The states of code-scanning payments are left out."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


DESCRIPTIONS = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
    TradeState.CLOSED: "订单已关闭",
}


@dataclass(frozen=True)
class Order:
    """Times are seconds since the epoch. What a buyer's payment brings is None until there is one."""

    trade_type: str  # NATIVE, JSAPI, APP, MWEB (H5)
    request: Mapping[str, Any]  # the body that created it, checked
    credential: str  # the latest code_url, prepay_id or query string of an h5_url
    created_at: float
    payable_until: float
    closes_at: float | None  # when WeChat Pay itself closes it, unpaid
    trade_state: TradeState = TradeState.NOTPAY
    transaction_id: str | None = None
    success_time: float | None = None
    openid: str | None = None
    means: Means = FROM_BALANCE

    @classmethod
    def placed(cls, trade_type: str, request: Mapping[str, Any], *, credential: str, now: float) -> Self:
        """A new order with its life times (WeChat Pay APIv3, Native order: time_expire).

        A time_expire earlier than a minute from now is raised to that, one later than 15 days lowered to that, both
        silently. Without one the order can be paid for seven days, and is closed then; with one it stays NOTPAY.
        """
        asked = request.get("time_expire")
        if asked is None:
            payable_until = now + DEFAULT_PAYABLE_SECONDS
        else:
            wanted = datetime.fromisoformat(asked).timestamp()
            payable_until = min(max(wanted, now + MIN_PAYABLE_SECONDS), now + MAX_PAYABLE_SECONDS)
        return cls(
            trade_type=trade_type,
            request=request,
            credential=credential,
            created_at=now,
            payable_until=payable_until,
            closes_at=payable_until if asked is None else None,
        )

    @property
    def out_trade_no(self) -> str:
        """The merchant's number."""
        return str(self.request["out_trade_no"])

    def is_payable(self, now: float) -> bool:
        """Whether it is unpaid, and there is time yet."""
        return self.trade_state is TradeState.NOTPAY and now < self.payable_until

    @property
    def total(self) -> int:
        """The amount in fen."""
        return int(self.request["amount"]["total"])

    @property
    def payer_total(self) -> int:
        """What the buyer paid of it, in fen."""
        return self.total - self.means.discount

    @property
    def settlement_total(self) -> int:
        """What is settled with the merchant, in fen."""
        return self.total - self.means.not_due

    @property
    def payer(self) -> str | None:
        """The openid of the one buyer who can pay, when the order names one."""
        openid = self.request.get("payer", {}).get("openid")
        return None if openid is None else str(openid)

    @property
    def client_ip(self) -> str | None:
        """The buyer's address, when the order names one: who opens an h5_url must come from it."""
        address = self.request.get("scene_info", {}).get("payer_client_ip")
        return None if address is None else str(address)

    def was_asked_for_by(self, trade_type: str, request: Mapping[str, Any]) -> bool:
        """Whether a re-post repeats what created this order.

        Which members WeChat Pay compares is not published; these are the ones that are known or likely to be.
        """
        return _compared(self.trade_type, self.request) == _compared(trade_type, request)


def _compared(trade_type: str, request: Mapping[str, Any]) -> tuple[object, ...]:
    amount = request["amount"]
    return (
        trade_type,
        *(
            request.get(name)
            for name in ("appid", "mchid", "description", "attach", "notify_url", "time_expire")
        ),
        request.get("payer", {}).get("openid"),
        request["scene_info"]["payer_client_ip"] if trade_type == "MWEB" else None,
        amount["total"],
        amount.get("currency", "CNY"),
    )
