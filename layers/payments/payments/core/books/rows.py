"""The rows that books are made of: ours, in the journal, and WeChat Pay's, in its bills.

Amounts are in fen. A fee is in hundred-thousandths of a yuan, for bills give it five decimals. Days are Beijing's, as texts
(`2026-11-28`), and so are the moments of a bill (`2026-11-28 09:30:00`).
"""

from dataclasses import dataclass
from enum import StrEnum

from payments.core.lifecycle import RefundStatus, Status


class Kind(StrEnum):
    """What a row of the journal tells."""

    ORDER = "order"  # one per payment, on the day of its creation
    PAID = "paid"
    REFUND = "refund"  # asked for, and taken by WeChat Pay
    REFUND_ENDED = "refund_ended"


@dataclass(frozen=True)
class OrderRow:
    """A payment as lists and exports show it; `created_at` in epoch seconds. Its day is that of its creation."""

    out_trade_no: str
    payment_id: str
    user_id: str
    content_id: str
    method: str
    subject: str
    currency: str
    status: Status
    version: int
    amount: int
    paid: int
    refunding: int
    refunded: int
    created_at: int
    day: str
    transaction_id: str | None = None
    success_time: str | None = None
    checkout_id: str | None = None


@dataclass(frozen=True)
class MovementRow:
    """Money of one payment that moved, on WeChat Pay's own day: `at` is its text, RFC 3339.

    A payment's is its `success_time`, a refund's `create_time` as long as it runs, the end of a refund its `success_time`.
    """

    kind: Kind
    out_trade_no: str
    transaction_id: str
    amount: int
    at: str
    day: str
    out_refund_no: str | None = None
    refund_id: str | None = None
    refund_status: RefundStatus | None = None


@dataclass(frozen=True)
class TradeRow:
    """A payment, or a refund that was asked for on this day, as the trade bill (ALL) has it."""

    line: int  # of the bill's text, from 1: so that a person finds it
    at: str  # 交易时间
    appid: str
    mchid: str
    transaction_id: str
    out_trade_no: str
    trade_type: str  # NATIVE, JSAPI, APP, MWEB …
    state: str  # 交易状态: SUCCESS, REFUND, REVOKED
    currency: str
    settlement_total: int  # 应结订单金额
    coupon: int  # 代金券金额
    fee: int  # 手续费, in hundred-thousandths of a yuan; negative where it comes back
    total: int | None  # 订单金额; None in bills of 24 columns
    refund_id: str | None = None  # None where the bill has 0 or nothing: a payment
    out_refund_no: str | None = None
    refund_settlement: int = 0  # 退款金额
    refund_coupon: int = 0  # 充值券退款金额
    refund_total: int | None = None  # 申请退款金额; None in bills of 24 columns
    refund_state: str | None = None  # 退款状态: SUCCESS, PROCESSING, CHANGE, FAIL

    @property
    def is_refund(self) -> bool:
        """Whether it tells of a refund."""
        return self.refund_id is not None


@dataclass(frozen=True)
class FundRow:
    """One movement of the merchant's account, as the fund-flow bill has it. `amount` is negative where money leaves."""

    line: int
    at: str  # 记账时间
    wechat_number: str  # 微信支付业务单号: a transaction_id or a refund_id, where it is of one
    fund_number: str  # 资金流水单号
    name: str  # 业务名称
    kind: str  # 业务类型: 交易, 退款, 扣除交易手续费, 提现 …
    amount: int  # 收支金额(元)
    balance: int  # 账户结余(元)
    voucher: str  # 业务凭证号
    remark: str = ""


@dataclass(frozen=True)
class TradeSums:
    """The trade bill's own row of sums. The totals that bills of 24 columns lack are None."""

    rows: int
    settlement_total: int
    refund_settlement: int
    refund_coupon: int
    fee: int
    total: int | None
    refund_total: int | None


@dataclass(frozen=True)
class FundSums:
    """The fund-flow bill's own row of sums."""

    rows: int
    income_rows: int
    income: int
    expense_rows: int
    expense: int
