"""The trade bill against the fund-flow bill: what was traded must have been booked, to the fen. Pure.

Both are of one day. What was traded or booked within a minute of midnight may stand in the neighbouring day's other bill.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from payments.core.books.comparing import FAILED
from payments.core.books.differences import (
    FEE_UNITS_PER_FEN,
    Difference,
    DifferenceKind,
    fee_text,
    fund_key,
    money,
)
from payments.core.books.neighbours import neighbour_of
from payments.core.books.rows import FundRow, TradeRow

K = DifferenceKind

# Kinds of movement that a trade bill explains (WeChat Pay APIv3, Fund-flow bill: 业务类型). All others are the merchant's own affair.
PAID, REFUNDED, FEE = "交易", "退款", "扣除交易手续费"
EXPLAINED = (PAID, REFUNDED, FEE)


@dataclass(frozen=True)
class Traded:
    """What one row of the trade bill says must be booked under its number: fen in, and the fee in hundred-thousandths of a yuan."""

    number: str
    line: int
    at: str
    settled: int  # fen, negative for a refund
    fee: int
    out_trade_no: str
    out_refund_no: str | None = None
    failed: bool = False  # a refund that has come to nothing: what had left the account for it has come back


@dataclass(frozen=True)
class Booked:
    """One row of the fund-flow bill that the trade bill must explain; fen, negative where money leaves."""

    number: str
    line: int
    at: str
    kind: str
    amount: int


@dataclass
class _Account:
    traded: Traded | None = None
    gross: int = 0
    fee: int = 0
    first: Booked | None = None
    rows: list[int] = field(default_factory=list)


def traded(row: TradeRow) -> Traded:
    """Of a row of the trade bill."""
    if row.is_refund:
        number, settled = row.refund_id or "", -row.refund_settlement
    else:
        number, settled = row.transaction_id, row.settlement_total
    return Traded(
        number,
        row.line,
        row.at,
        settled,
        row.fee,
        row.out_trade_no,
        row.out_refund_no if row.is_refund else None,
        row.is_refund and row.refund_state == FAILED,
    )


def booked(row: FundRow) -> Booked | None:
    """Of a row of the fund-flow bill; None for a movement that no trade bill explains."""
    if row.kind not in EXPLAINED:
        return None
    return Booked(row.wechat_number, row.line, row.at, row.kind, row.amount)


def join(trades: Iterable[Traded], bookings: Iterable[Booked]) -> Iterator[Difference]:
    """All in which these rows of the two bills disagree; they are all of the numbers that they name.

    A number that the trade bill has twice is a difference of its own, and is joined once.
    """
    accounts: dict[str, _Account] = {}
    for trade in trades:
        account = accounts.setdefault(trade.number, _Account())
        account.traded = account.traded or trade
    for booking in bookings:
        account = accounts.setdefault(booking.number, _Account())
        account.first = account.first or booking
        if booking.kind == FEE:
            account.fee += booking.amount
        else:
            account.gross += booking.amount
    for number, account in accounts.items():
        yield from _differences(number, account)


def _differences(number: str, account: _Account) -> Iterator[Difference]:
    trade = account.traded
    if trade is None:
        if account.first is not None:
            found = account.gross + account.fee
            yield _lacking(
                number,
                account.first.at,
                None,
                bill=f"{money(found)} booked",
                line=account.first.line,
                moved=found * FEE_UNITS_PER_FEN,
            )
    elif account.first is None:
        if (trade.settled or trade.fee) and not trade.failed:
            moved = trade.settled * FEE_UNITS_PER_FEN - trade.fee
            yield _lacking(
                number, trade.at, trade, bill=f"{money(trade.settled)} traded", line=trade.line, moved=moved
            )
    elif account.gross == trade.settled:
        if not _same_fee(trade.fee, -account.fee):
            yield _fee(number, trade, -account.fee)
    elif trade.settled > 0 or not _same_fee(trade.fee, trade.settled - account.gross - account.fee):
        # A refund's fee that comes back may be taken off what leaves the account, in one movement.
        yield Difference(
            K.SUM,
            fund_key(number),
            bill=f"{money(trade.settled)} traded, {money(account.gross)} booked",
            out_trade_no=trade.out_trade_no,
            out_refund_no=trade.out_refund_no,
            wechat_number=number,
            line=trade.line,
        )


def _same_fee(exact: int, taken: int) -> bool:
    """Whether so many fen are a fee of so many hundred-thousandths of a yuan, rounded somehow."""
    return abs(exact - taken * FEE_UNITS_PER_FEN) < FEE_UNITS_PER_FEN


def _fee(number: str, trade: Traded, taken: int) -> Difference:
    """The fee is another; where none was taken at midnight, the neighbouring day's bill may have it."""
    neighbour = None if taken else neighbour_of(trade.at)
    return Difference(
        K.FEE if neighbour is None else K.OTHER_DAY,
        fund_key(number),
        bill=f"{fee_text(trade.fee)} CNY in the trade bill, {money(taken)} taken",
        out_trade_no=trade.out_trade_no,
        out_refund_no=trade.out_refund_no,
        wechat_number=number,
        line=trade.line,
        awaits=neighbour,
        becomes=None if neighbour is None else K.FEE,
        moved=-trade.fee,
    )


def _lacking(number: str, at: str, trade: Traded | None, *, bill: str, line: int, moved: int) -> Difference:
    """One bill has it and the other has not: at midnight the neighbouring day's may have it."""
    neighbour = neighbour_of(at)
    return Difference(
        K.SUM if neighbour is None else K.OTHER_DAY,
        fund_key(number),
        bill=f"{bill} at {at}",
        out_trade_no=trade.out_trade_no if trade else None,
        out_refund_no=trade.out_refund_no if trade else None,
        wechat_number=number,
        line=line,
        awaits=neighbour,
        becomes=None if neighbour is None else K.SUM,
        moved=moved,
    )
