"""WeChat Pay's own books, within this process: orders, payments, closes, refunds, by the published rules.

Source: WeChat Pay APIv3, "Native order", "JSAPI order", "App order", "H5 order", "Query order", "Close order", "Refund", "Query refund". It shares
nothing with the product, and it never lies: what it says is so, whatever becomes of the words on their way.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CREDENTIAL_LIFE_SECONDS = {"native": 2 * 3600, "jsapi": 2 * 3600, "app": 2 * 3600, "h5": 5 * 60}
MINUTE = 60  # seconds between two refunds of one order
MAX_REFUNDS = 50  # refunds of one order
LIVE = ("PROCESSING", "SUCCESS", "ABNORMAL")


class Refusal(Exception):  # noqa: N818  an answer of the protocol
    """An answer other than success."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass
class Refund:
    """One refund; `request` is what it was first asked for with, None for one made in the console."""

    out_refund_no: str
    refund_id: str
    amount: int
    created: float
    request: Mapping[str, Any] | None
    status: str = "PROCESSING"
    was: set[str] = field(default_factory=lambda: {"PROCESSING"})


@dataclass
class Order:
    """One order; times in epoch seconds."""

    request: Mapping[str, Any]
    kind: str
    payable_until: float
    credentials: dict[str, float] = field(
        default_factory=dict
    )  # each with its end; a newer code voids the older
    state: str = "NOTPAY"
    transaction_id: str | None = None
    paid_at: float | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Fen."""
        return int(self.request["amount"]["total"])

    @property
    def left(self) -> int:
        """What may still be refunded."""
        return self.total - sum(one.amount for one in self.refunds.values() if one.status in LIVE)


class Ledger:
    """All orders of the merchant by number. `ended` and `paid` hear of what WeChat Pay tells by itself."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        accepted: Callable[[Order, Refund], None] = lambda *_: None,
    ) -> None:
        self.now = clock
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, tuple[Order, Refund]] = {}
        self._accepted = accepted
        self._numbers = 0

    def number(self) -> int:
        """The next of WeChat Pay's own numbers."""
        self._numbers += 1
        return self._numbers

    # ---- what merchants ask ----

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any] | None]:
        """HTTP status and members. Raises Refusal."""
        parts = path.partition("?")[0].split("/")
        members = json.loads(body) if body else {}
        match method, *parts[2:]:
            case "POST", "pay", "transactions", ("native" | "jsapi" | "app" | "h5") as kind:
                return 200, self._place(kind, members)
            case "GET", "pay", "transactions", "out-trade-no", number:
                return 200, self._queried(number)
            case "POST", "pay", "transactions", "out-trade-no", number, "close":
                return self._close(number)
            case "POST", "refund", "domestic", "refunds":
                return 200, self._refund(members)
            case "GET", "refund", "domestic", "refunds", number:
                return 200, self._refund_queried(number)
        raise AssertionError(f"the model's WeChat Pay has no {method} {path}")

    def _place(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        number, now = asked["out_trade_no"], self.now()
        order = self.orders.get(number)
        if order is None:
            wanted = datetime.fromisoformat(asked["time_expire"]).timestamp()
            order = self.orders[number] = Order(asked, kind, max(wanted, now + 60))
        elif order.state == "CLOSED":
            raise Refusal(400, "ORDER_CLOSED")
        elif order.state != "NOTPAY":
            raise Refusal(400, "ORDERPAID")
        elif (kind, asked) != (order.kind, order.request) or now >= order.payable_until:
            raise Refusal(400, "INVALID_REQUEST")
        serial = self.number()
        if kind == "native":
            order.credentials.clear()
            credential, name = f"weixin://wxpay/bizpayurl?pr={serial}", "code_url"
        elif kind == "h5":
            credential, name = f"https://wx.example/checkmweb?prepay_id=wx{serial:034}", "h5_url"
        else:
            credential, name = f"wx{serial:034}", "prepay_id"
        order.credentials[credential] = now + CREDENTIAL_LIFE_SECONDS[kind]
        return {name: credential}

    def _queried(self, number: str) -> dict[str, Any]:
        order = self.orders.get(number)
        if order is None:
            raise Refusal(404, "ORDER_NOT_EXIST")
        return transaction(order)

    def _close(self, number: str) -> tuple[int, None]:
        order = self.orders.get(number)
        if order is not None and order.state not in ("NOTPAY", "CLOSED"):
            raise Refusal(400, "ORDER_PAID")
        if order is not None:
            order.state = "CLOSED"
        return 204, None

    def _refund(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        number, amount, now = asked["out_refund_no"], asked["amount"]["refund"], self.now()
        if (known := self.refunds.get(number)) is not None:
            if known[1].request != asked:
                raise Refusal(400, "INVALID_REQUEST")
            return refund_object(*known)
        order = next(
            (one for one in self.orders.values() if one.transaction_id == asked["transaction_id"]), None
        )
        if order is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS")
        if (
            asked["amount"]["total"] != order.total
            or len(order.refunds) >= MAX_REFUNDS
            or amount > order.left
        ):
            raise Refusal(400, "INVALID_REQUEST")
        if any(now - one.created < MINUTE for one in order.refunds.values()):
            raise Refusal(429, "FREQUENCY_LIMITED")
        return refund_object(order, self._begun(order, number, amount, asked))

    def _refund_queried(self, number: str) -> dict[str, Any]:
        if (known := self.refunds.get(number)) is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS")
        return refund_object(*known)

    def _begun(self, order: Order, number: str, amount: int, asked: Mapping[str, Any] | None) -> Refund:
        refund = Refund(number, f"50300{self.number():024}", amount, self.now(), asked)
        order.refunds[number] = refund
        self.refunds[number] = (order, refund)
        order.state = "REFUND"
        self._accepted(order, refund)
        return refund

    # ---- what buyers, the console and banks do ----

    def payable(self, number: str, credentials: set[str]) -> str | None:
        """A credential of `credentials` that this order can be paid by now."""
        order, now = self.orders.get(number), self.now()
        if order is None or order.state != "NOTPAY" or now >= order.payable_until:
            return None
        return next((one for one in sorted(credentials) if order.credentials.get(one, 0) > now), None)

    def pay(self, number: str) -> Order:
        """A buyer pays; `payable` has said that it is possible."""
        order = self.orders[number]
        order.state, order.paid_at = "SUCCESS", self.now()
        order.transaction_id = f"4200{self.number():024}"
        return order

    def console_refund(self, number: str, amount: int) -> Refund | None:
        """Somebody refunds in the merchant console; None where it is not possible."""
        order = self.orders.get(number)
        if (
            order is None
            or order.paid_at is None
            or not 0 < amount <= order.left
            or len(order.refunds) >= MAX_REFUNDS
        ):
            return None
        return self._begun(order, f"console-{self.number()}", amount, None)

    @staticmethod
    def end(refund: Refund, status: str) -> bool:
        """A refund's bank has answered; an abnormal one ends later. Whether that changed anything."""
        if refund.status in ("SUCCESS", "CLOSED") or refund.status == status:
            return False
        refund.status = status
        refund.was.add(status)
        return True


def transaction(order: Order) -> dict[str, Any]:
    """What a query answers and a notification tells of an order."""
    asked = order.request
    members: dict[str, Any] = {name: asked[name] for name in ("appid", "mchid", "out_trade_no")}
    members |= {"trade_state": order.state, "trade_state_desc": "-", "amount": dict(asked["amount"])}
    if order.paid_at is not None:
        payer = asked.get("payer", {"openid": "o-payer"})
        members |= {
            "transaction_id": order.transaction_id,
            "payer": payer,
            "success_time": "2026-01-01T12:00:00+08:00",
        }
    return members


def refund_object(order: Order, refund: Refund) -> dict[str, Any]:
    """What the refund calls answer."""
    return {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.request["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "-",
        "create_time": "2026-01-01T12:00:00+08:00",
        "status": refund.status,
        "amount": {"total": order.total, "refund": refund.amount, "currency": "CNY"},
    }
