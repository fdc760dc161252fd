"""Bills as WeChat Pay writes them, made up: their columns in any order, their values with whatever a bill may hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

TRADE_COLUMNS = (
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识"),
    *("交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号"),
    *("商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包"),
    *("手续费", "费率", "订单金额", "申请退款金额", "费率备注"),
)
ADDED = ("订单金额", "申请退款金额", "费率备注")
FUND_COLUMNS = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)"),
    *("账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号"),
)
TRADE_SUMS = (
    *("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额"),
    *("订单总金额", "申请退款总金额"),
)
FUND_SUMS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")

PAYMENT = {
    "交易时间": "2026-11-28 09:30:00",
    "公众账号ID": "wx1234567890abcdef",
    "商户号": "1900000001",
    "微信订单号": "4200000000202611280000000001",
    "商户订单号": "WXA",
    "交易类型": "NATIVE",
    "交易状态": "SUCCESS",
    "货币种类": "CNY",
    "应结订单金额": "19.90",
    "代金券金额": "0.00",
    "微信退款单号": "0",
    "商户退款单号": "0",
    "退款金额": "0.00",
    "充值券退款金额": "0.00",
    "商品名称": "Course",
    "手续费": "0.12000",
    "费率": "0.60%",
    "订单金额": "19.90",
    "申请退款金额": "0.00",
}
REFUND = PAYMENT | {
    "交易状态": "REFUND",
    "应结订单金额": "0.00",
    "微信退款单号": "50000000382026112800000001",
    "商户退款单号": "RFA",
    "退款金额": "9.90",
    "退款状态": "PROCESSING",
    "手续费": "-0.06000",
    "订单金额": "0.00",
    "申请退款金额": "9.90",
}
MOVEMENT = {
    "记账时间": "2026-11-28 09:30:01",
    "微信支付业务单号": "4200000000202611280000000001",
    "资金流水单号": "202611280000000001",
    "业务名称": "交易",
    "业务类型": "交易",
    "收支类型": "收入",
    "收支金额(元)": "19.90",
    "账户结余(元)": "119.90",
    "备注": "",
    "业务凭证号": "WXA",
}


@dataclass
class Written:
    """A bill's text: `columns` in their order, with the rows and the sums under them."""

    columns: Sequence[str] = TRADE_COLUMNS
    sums_columns: Sequence[str] = TRADE_SUMS
    sums: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TRADE_SUMS, "0"))
    end: str = "\r\n"
    byte_order_mark: bool = True

    def bytes(self, rows: Iterable[dict[str, str]]) -> bytes:
        """The whole file."""
        lines = [",".join(self.columns)]
        lines += [self.row(self.columns, row) for row in rows]
        lines += [",".join(self.sums_columns), self.row(self.sums_columns, self.sums)]
        text = "".join(line + self.end for line in lines)
        return text.encode("utf-8-sig" if self.byte_order_mark else "utf-8")

    @staticmethod
    def row(columns: Sequence[str], values: dict[str, str]) -> str:
        """One line of values."""
        return ",".join("`" + values.get(column, "") for column in columns)


def trade_bill(*rows: dict[str, str], **form) -> bytes:
    """A trade bill of these rows; its sums say how many there are, and are noughts besides."""
    written = Written(**form)
    written.sums["总交易单数"] = str(len(rows))
    return written.bytes(rows)


def fund_bill(*rows: dict[str, str], **form) -> bytes:
    """A fund-flow bill of these rows, likewise; with the decimal that its counts have."""
    sums = {
        "资金流水总笔数": f"{len(rows)}.0",
        "收入笔数": "0.0",
        "收入金额": "0.00",
        "支出笔数": "0.0",
        "支出金额": "0.00",
    }
    return Written(**{"columns": FUND_COLUMNS, "sums_columns": FUND_SUMS, "sums": sums, **form}).bytes(rows)
