"""The rows and the sums of both bills, out of their text.

Source: WeChat Pay APIv3, "Trade bill" (ALL; 27 columns, or the 24 of before) and "Fund-flow bill".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from payments.core.books.bill_text import (
    BillFormatError,
    BillKind,
    Columns,
    Line,
    count,
    fee,
    fen,
    number_of,
)
from payments.core.books.rows import FundRow, FundSums, TradeRow, TradeSums

Row = TypeVar("Row")
Sums = TypeVar("Sums")

INCOME, EXPENSE = "收入", "支出"

_TRADE_TEXTS = (
    *("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易类型", "交易状态", "货币种类"),
    *("微信退款单号", "商户退款单号", "退款状态"),
)
_TRADE_AMOUNTS = ("应结订单金额", "代金券金额", "退款金额", "充值券退款金额")
_TRADE_FEE = "手续费"
_TRADE_ADDED = ("订单金额", "申请退款金额")
_TRADE_FREE = ("商品名称", "商户数据包")
_DIRECTION, _AMOUNT, _BALANCE = "收支类型", "收支金额(元)", "账户结余(元)"
_FUND = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "业务凭证号"),
    *(_DIRECTION, _AMOUNT, _BALANCE),
)
_FUND_FREE = ("备注",)
_TRADE_SUMS = ("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额")
_TRADE_SUMS_ADDED = ("订单总金额", "申请退款总金额")
_FUND_SUMS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_NO_REFUND = ("0", "")


def trade_rows(header: Line, lines: Iterable[Line]) -> Iterator[TradeRow]:
    """The rows among `lines`, which may begin with the header and end with the sums. Raises BillFormatError."""
    needed = (*_TRADE_TEXTS, *_TRADE_AMOUNTS, _TRADE_FEE)
    columns = Columns(header, needed, optional=_TRADE_ADDED, free=_TRADE_FREE)
    known = [columns.has(name) for name in _TRADE_ADDED]
    for line in _rows(header, lines):
        yield _trade_row(line, columns.values(line), known)


def fund_rows(header: Line, lines: Iterable[Line]) -> Iterator[FundRow]:
    """The same of a fund-flow bill."""
    columns = Columns(header, _FUND, optional=_FUND_FREE, free=_FUND_FREE)
    for line in _rows(header, lines):
        yield _fund_row(line, columns.values(line))


def trade_sums(header: Line, line: Line) -> TradeSums:
    """The sums of a trade bill, out of the second header and the line after it. Raises BillFormatError."""
    columns = Columns(header, _TRADE_SUMS, optional=_TRADE_SUMS_ADDED)
    how = (count, fen, fen, fen, fee, fen, fen)
    rows, settled, refunded, coupons, fees, total, asked = _numbers(
        line, (*_TRADE_SUMS, *_TRADE_SUMS_ADDED), columns.values(line), how
    )
    return TradeSums(
        rows=rows,
        settlement_total=settled,
        refund_settlement=refunded,
        refund_coupon=coupons,
        fee=fees,
        total=total if columns.has(_TRADE_SUMS_ADDED[0]) else None,
        refund_total=asked if columns.has(_TRADE_SUMS_ADDED[1]) else None,
    )


def fund_sums(header: Line, line: Line) -> FundSums:
    """The sums of a fund-flow bill, likewise."""
    values = Columns(header, _FUND_SUMS).values(line)
    return FundSums(*_numbers(line, _FUND_SUMS, values, (count, count, fen, count, fen)))


def check_header(kind: BillKind, header: Line) -> None:
    """Raise BillFormatError for a header of a bill of this kind that lacks a column."""
    for _ in trade_rows(header, ()) if kind is BillKind.TRADE else fund_rows(header, ()):
        pass


def parse_trade(lines: Iterable[Line]) -> Iterator[TradeRow | TradeSums]:
    """A whole trade bill: its rows, and last its sums. Raises BillFormatError, also where it ends too early."""
    return _parse(lines, trade_rows, trade_sums)


def parse_fund(lines: Iterable[Line]) -> Iterator[FundRow | FundSums]:
    """A whole fund-flow bill, likewise."""
    return _parse(lines, fund_rows, fund_sums)


def _parse(
    lines: Iterable[Line],
    rows: Callable[[Line, Iterable[Line]], Iterator[Row]],
    sums: Callable[[Line, Line], Sums],
) -> Iterator[Row | Sums]:
    source = iter(lines)
    header = last = next(source, None)
    if header is None or last is None:
        raise BillFormatError(1, "there is nothing in it")

    def of_rows() -> Iterator[Line]:
        nonlocal last
        for line in source:
            last = line
            yield line
            if not line.is_row:
                return

    yield from rows(header, of_rows())
    values = next(source, None)
    if last is header or last.is_row or values is None:
        raise BillFormatError(last.number, "the bill ends before its sums")
    yield sums(last, values)
    if (more := next(source, None)) is not None:
        raise BillFormatError(more.number, "something follows the sums")


def _rows(header: Line, lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        if line.is_row:
            yield line
        elif line.number != header.number:  # the second header: what follows are sums
            return


def _numbers(
    line: Line, columns: Sequence[str], values: Sequence[str], how: Sequence[Callable[[str], int]]
) -> list[int]:
    read = zip(columns, values, how, strict=True)
    return [number_of(line, column, value, each) for column, value, each in read]


def _trade_row(line: Line, values: list[str], known: Sequence[bool]) -> TradeRow:
    at, appid, mchid, transaction_id, out_trade_no, trade_type, state, currency = values[:8]
    refund_id, out_refund_no, refund_state = values[8:11]
    is_refund = refund_id not in _NO_REFUND
    settled, coupon, refunded, refunded_coupon, fees, total, asked = _numbers(
        line, (*_TRADE_AMOUNTS, _TRADE_FEE, *_TRADE_ADDED), values[11:], (fen, fen, fen, fen, fee, fen, fen)
    )
    return TradeRow(
        line=line.number,
        at=at,
        appid=appid,
        mchid=mchid,
        transaction_id=transaction_id,
        out_trade_no=out_trade_no,
        trade_type=trade_type,
        state=state,
        currency=currency,
        settlement_total=settled,
        coupon=coupon,
        fee=fees,
        total=total if known[0] else None,
        refund_id=refund_id if is_refund else None,
        out_refund_no=out_refund_no if is_refund else None,
        refund_settlement=refunded,
        refund_coupon=refunded_coupon,
        refund_total=asked if known[1] else None,
        refund_state=(refund_state or None) if is_refund else None,
    )


def _fund_row(line: Line, values: list[str]) -> FundRow:
    at, wechat_number, fund_number, name, kind, voucher, direction, amount, balance, remark = values
    if direction not in (INCOME, EXPENSE):
        raise BillFormatError(line.number, f"is neither {INCOME} nor {EXPENSE}", column=_DIRECTION)
    moved, left = _numbers(line, (_AMOUNT, _BALANCE), (amount, balance), (fen, fen))
    if moved < 0:
        raise BillFormatError(line.number, "is below nought", column=_AMOUNT)
    return FundRow(
        line=line.number,
        at=at,
        wechat_number=wechat_number,
        fund_number=fund_number,
        name=name,
        kind=kind,
        amount=moved if direction == INCOME else -moved,
        balance=left,
        voucher=voucher,
        remark=remark,
    )
