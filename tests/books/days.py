"""A day of WeChat Pay's, small enough to be written down: payments of ours, and the rows that both bills have of them."""

from dataclasses import dataclass, field, replace
from typing import Any

from payments.core.books.journal import rows_of
from payments.core.books.rows import FundRow, MovementRow, TradeRow
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from tests.kit.payments import a_payment

DAY = "2026-11-28"


def paid(number: str = "WX0001", at: str = "12:00:00", day: str = DAY, **members: Any) -> Payment:
    """A payment of 10.00 yuan, paid on this day."""
    amount = members.get("amount", 1000)
    known: dict[str, Any] = {
        "status": Status.PAID,
        "transaction_id": f"42{number}",
        "success_time": f"{day}T{at}+08:00",
        "paid": amount,
        "refundable": amount,
    }
    return a_payment(number, **known | members)


def refunded(
    payment: Payment, number: str = "RF1", amount: int = 300, at: str = "13:00:00", **members: Any
) -> Payment:
    """The payment with one more refund, of this day, that has succeeded unless `members` say otherwise."""
    known: dict[str, Any] = {
        "status": RefundStatus.SUCCEEDED,
        "refund_id": f"50{number}",
        "create_time": f"{DAY}T{at}+08:00",
    }
    refund = Refund(number, amount=amount, created_at=0, **{**known, **members})
    return replace(payment, refunds={**payment.refunds, number: refund})


def payment_row(payment: Payment, line: int = 2, **members: Any) -> TradeRow:
    """What the trade bill has of a payment; the fee is 0.60 %."""
    known: dict[str, Any] = {
        "at": (payment.success_time or "")[:19].replace("T", " "),
        "transaction_id": payment.transaction_id or "",
        "state": "SUCCESS",
        "settlement_total": payment.amount,
        "coupon": 0 if payment.payer_total is None else payment.amount - payment.payer_total,
        "fee": 6 * payment.amount,
        "total": payment.amount,
    }
    about: dict[str, Any] = {
        "line": line,
        "appid": payment.appid,
        "mchid": payment.mchid,
        "out_trade_no": payment.out_trade_no,
        "trade_type": "NATIVE",
        "currency": "CNY",
    }
    return TradeRow(**{**about, **known, **members})


def refund_row(payment: Payment, number: str = "RF1", line: int = 3, **members: Any) -> TradeRow:
    """What the trade bill has of one of its refunds."""
    refund = payment.refunds[number]
    words = {
        RefundStatus.SUCCEEDED: "SUCCESS",
        RefundStatus.CLOSED: "FAIL",
        RefundStatus.ABNORMAL: "CHANGE",
    }
    known: dict[str, Any] = {
        "at": (refund.create_time or "")[:19].replace("T", " "),
        "state": "REFUND",
        "settlement_total": 0,
        "coupon": 0,
        "fee": -6 * refund.amount,
        "total": 0,
        "refund_id": refund.refund_id or "50",
        "out_refund_no": number,
        "refund_settlement": refund.amount,
        "refund_total": refund.amount,
        "refund_state": words.get(refund.status, "PROCESSING"),
    }
    return payment_row(payment, line, **{**known, **members})


def fund_rows(row: TradeRow, line: int = 2) -> list[FundRow]:
    """What the fund-flow bill has of a row of the trade bill: two movements of a payment, one of a refund."""
    if row.is_refund:
        back = -row.fee // 1000
        return [fund_row(row.refund_id or "", "退款", back - row.refund_settlement, line, row.at)]
    fee = row.fee // 1000
    return [
        fund_row(row.transaction_id, "交易", row.settlement_total, line, row.at),
        fund_row(row.transaction_id, "扣除交易手续费", -fee, line + 1, row.at),
    ]


def fund_row(number: str, kind: str, amount: int, line: int = 2, at: str = f"{DAY} 12:00:00") -> FundRow:
    """One movement of the account."""
    return FundRow(line, at, number, f"F{line}", kind, kind, amount, 0, "V")


@dataclass
class Day:
    """Payments of ours, and both bills of them."""

    payments: dict[str, Payment] = field(default_factory=dict)
    trade: list[TradeRow] = field(default_factory=list)
    fund: list[FundRow] = field(default_factory=list)

    def movements(self) -> list[MovementRow]:
        """The journal's movements of this day."""
        rows = [row for payment in self.payments.values() for row in rows_of(payment)]
        return [row for row in rows if isinstance(row, MovementRow) and row.day == DAY]

    def add(self, payment: Payment) -> None:
        """A payment with all its refunds, and the rows that tell of them."""
        self.payments[payment.out_trade_no] = payment
        self.book(payment_row(payment, len(self.trade) + 2))
        for number in payment.refunds:
            self.book(refund_row(payment, number, len(self.trade) + 2))

    def book(self, row: TradeRow) -> None:
        """A row in the trade bill, and what moves for it."""
        self.trade.append(row)
        self.fund.extend(fund_rows(row, len(self.fund) + 2))
