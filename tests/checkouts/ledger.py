"""WeChat Pay in this process: its books, kept by its own rules, behind the methods that the product's client has."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechatpay.errors import RefusedError

MCHID = "1900000109"
APPID = "wx8888888888888888"


@dataclass
class Entry:
    """One order as WeChat Pay has it."""

    kind: str
    request: dict[str, Any]
    state: str = "NOTPAY"
    opened_at: float = 0.0
    transaction_id: str | None = None
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        total: int = self.request["amount"]["total"]
        return total


class Ledger:
    """`refuses` makes a refusal of an order of a kind, where there is one; `closes_after` is how young an order is not closed yet."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.orders: dict[str, Entry] = {}
        self.refuses: dict[str, str] = {}
        self.closes_after = 0.0
        self.calls: list[tuple[str, str]] = []
        self._now = now
        self._numbers = itertools.count(1)

    # ---- what a buyer can do ----

    def payable(self) -> list[str]:
        """The orders that can be paid at this moment."""
        return [number for number, entry in self.orders.items() if self._is_payable(entry)]

    def pay(self, number: str) -> bool:
        """The buyer pays; False when that is not possible."""
        entry = self.orders[number]
        if not self._is_payable(entry):
            return False
        entry.state = "SUCCESS"
        entry.transaction_id = f"42{number[2:]}"
        return True

    def pay_in_spite_of_everything(self, number: str) -> None:
        """Money arrives for an order that WeChat Pay had called closed."""
        self.orders[number].state = "NOTPAY"
        assert self.pay(number)

    def _is_payable(self, entry: Entry) -> bool:
        ends = datetime.fromisoformat(entry.request["time_expire"]).timestamp()
        return entry.state == "NOTPAY" and self._now() < ends

    def transaction(self, number: str) -> dict[str, Any]:
        """What a query, or a notification, says of an order."""
        entry = self.orders[number]
        members: dict[str, Any] = {
            "out_trade_no": number,
            "mchid": MCHID,
            "appid": entry.request["appid"],
            "trade_state": entry.state,
        }
        if entry.state in ("SUCCESS", "REFUND"):
            members |= {
                "transaction_id": entry.transaction_id,
                "amount": {"total": entry.total, "currency": "CNY"},
                "payer": {"openid": "o-payer"},
            }
        return members

    # ---- the client's methods ----

    def order_native(self, request: bytes) -> str:
        return f"weixin://wxpay/bizpayurl?pr={self._ordered('native', request)}"

    def order_jsapi(self, request: bytes) -> str:
        return f"wx-prepay-{self._ordered('jsapi', request)}"

    def order_h5(self, request: bytes) -> str:
        return (
            f"https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={self._ordered('h5', request)}"
        )

    def close(self, out_trade_no: str) -> None:
        self.calls.append(("close", out_trade_no))
        entry = self.orders.get(out_trade_no)
        if entry is None:
            raise refusal("ORDER_NOT_EXIST", 404)
        if entry.state in ("SUCCESS", "REFUND"):
            raise refusal("ORDER_PAID")
        if self._now() - entry.opened_at < self.closes_after:
            raise refusal("ORDER_NOT_CLOSABLE_YET")
        entry.state = "CLOSED"

    def query_by_out_trade_no(self, out_trade_no: str) -> dict[str, Any]:
        self.calls.append(("query", out_trade_no))
        if out_trade_no not in self.orders:
            raise refusal("ORDER_NOT_EXIST", 404)
        return self.transaction(out_trade_no)

    def refund(self, request: bytes) -> dict[str, Any]:
        asked = json.loads(request)
        (number,) = [n for n, e in self.orders.items() if e.transaction_id == asked["transaction_id"]]
        self.calls.append(("refund", asked["out_refund_no"]))
        entry, amount = self.orders[number], asked["amount"]["refund"]
        known = entry.refunds.get(asked["out_refund_no"])
        if known is None:
            gone = sum(refund["amount"]["refund"] for refund in entry.refunds.values())
            if gone + amount > entry.total:
                raise refusal("NOT_ENOUGH", 403)
            entry.state = "REFUND"
            known = entry.refunds[asked["out_refund_no"]] = {
                "out_trade_no": number,
                "out_refund_no": asked["out_refund_no"],
                "refund_id": f"50{next(self._numbers)}",
                "transaction_id": entry.transaction_id,
                "status": "SUCCESS",
                "amount": {"refund": amount, "total": entry.total},
            }
        return {**known, "status": "PROCESSING"}

    def query_refund(self, out_refund_no: str) -> dict[str, Any]:
        self.calls.append(("query_refund", out_refund_no))
        for entry in self.orders.values():
            if out_refund_no in entry.refunds:
                return entry.refunds[out_refund_no]
        raise refusal("RESOURCE_NOT_EXISTS", 404)

    def _ordered(self, kind: str, raw: bytes) -> int:
        request = json.loads(raw)
        number = request["out_trade_no"]
        self.calls.append((kind, number))
        known = self.orders.get(number)
        if known is not None and (known.kind, known.request) != (kind, request):
            raise refusal("INVALID_REQUEST")
        if known is not None and known.state != "NOTPAY":
            raise refusal("ORDER_CLOSED" if known.state == "CLOSED" else "ORDER_PAID")
        if kind in self.refuses:
            raise refusal(self.refuses[kind], 403)
        if known is None:
            self.orders[number] = Entry(kind, request, opened_at=self._now())
        return next(self._numbers)


def refusal(code: str, status: int = 400) -> RefusedError:
    """A refusal of WeChat Pay's, signed."""
    return RefusedError(code=code, message="", http_status=status, request_id="R", proven=True)
