"""The fund-flow bill of a day: what came to the merchant's account and left it, with what was there afterwards."""

import hashlib
from collections.abc import Iterable, Sequence

from wechatpay_simulator.bills.bill_text import Row, fen, yuan
from wechatpay_simulator.bills.fee import fee_of, fees_returned
from wechatpay_simulator.clock import beijing_day, bill_time
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.refunds.refund import Refund, RefundStatus

# WeChat Pay APIv3, Fund-flow bill: columns.
COLUMNS = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)"),
    *("账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号"),
)
INCOME, EXPENSE = "收入", "支出"
PAID, FEE, REFUNDED, RETURNED = "交易", "扣除交易手续费", "退款", "退款退回"
"""Kinds of movement. What comes back of a refund that was closed is our reading."""


def fund_rows(orders: Iterable[Order], refunds: Sequence[Refund]) -> list[tuple[float, Row]]:
    """Each movement of the account with its moment, oldest first, and the balance that it leaves.

    `orders` are all that were ever paid, `refunds` all that were ever asked for: the account begins with nothing.
    """
    movements: list[tuple[float, int, dict[str, str]]] = []
    for order in orders:
        paid_at = order.success_time or 0
        number = {"微信支付业务单号": order.transaction_id or "", "业务凭证号": order.out_trade_no}
        about = {**number, "资金变更提交申请人": "system", "备注": "", "业务名称": PAID}
        movements.append((paid_at, order.settlement_total, about | {"业务类型": PAID}))
        if fee := fee_of(order):
            movements.append((paid_at, -fee, about | {"业务类型": FEE}))
    of_order: dict[str, list[Refund]] = {}
    for refund in refunds:
        of_order.setdefault(refund.order.out_trade_no, []).append(refund)
    for each in of_order.values():
        returned = fees_returned(each)
        for refund in each:
            fee = returned[refund.out_refund_no]
            # The fee that comes back is taken off what leaves the account: one movement.
            gone = refund.settlement_refund - fee
            about = {
                "微信支付业务单号": refund.refund_id,
                "业务凭证号": refund.out_refund_no,
                "资金变更提交申请人": f"{refund.order.request['mchid']}API",
                "备注": f"退款总金额{yuan(refund.settlement_refund)}元;含手续费{yuan(fee)}元",
                "业务名称": REFUNDED,
            }
            movements.append((refund.create_time, -gone, about | {"业务类型": REFUNDED}))
            if refund.status is RefundStatus.CLOSED and refund.closed_at is not None:
                movements.append((refund.closed_at, gone, about | {"业务类型": RETURNED}))
    balance = 0
    rows: list[tuple[float, Row]] = []
    for at, amount, about in sorted(movements, key=lambda movement: movement[0]):
        balance += amount
        rows.append((at, about | _booked(at, amount, balance, about)))
    return rows


def fund_sums(rows: Sequence[Row]) -> Row:
    """The row of sums; the counts are written with a decimal, as WeChat Pay does."""
    incomes = [fen(row["收支金额(元)"]) for row in rows if row["收支类型"] == INCOME]
    expenses = [fen(row["收支金额(元)"]) for row in rows if row["收支类型"] == EXPENSE]
    return {
        "资金流水总笔数": f"{len(rows)}.0",
        "收入笔数": f"{len(incomes)}.0",
        "收入金额": yuan(sum(incomes)),
        "支出笔数": f"{len(expenses)}.0",
        "支出金额": yuan(sum(expenses)),
    }


def _booked(at: float, amount: int, balance: int, about: Row) -> dict[str, str]:
    name = f"{about['微信支付业务单号']} {about['业务类型']}"
    serial = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**20
    return {
        "记账时间": bill_time(at),
        "资金流水单号": f"{beijing_day(at)}{serial:020}",
        "收支类型": INCOME if amount > 0 else EXPENSE,
        "收支金额(元)": yuan(abs(amount)),
        "账户结余(元)": yuan(balance),
    }
