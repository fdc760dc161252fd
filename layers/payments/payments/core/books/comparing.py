"""A row of the trade bill against our payment, and a movement of ours that the bill lacks: pure, nothing is read or written here."""

from collections.abc import Iterator

from payments.core.books.differences import Difference, DifferenceKind, money, paid_key, refund_key
from payments.core.books.neighbours import is_of, neighbour_of
from payments.core.books.rows import Kind, MovementRow, TradeRow
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund

K = DifferenceKind

_PAID = "SUCCESS"
FAILED = "FAIL"  # a refund that has come to nothing
_UNDER_WAY = (RefundStatus.PROCESSING, RefundStatus.ABNORMAL, RefundStatus.SUCCEEDED, RefundStatus.CLOSED)
# What a refund of ours may be where the bill says this of it: the bill was written earlier, and never is again.
_POSSIBLE = {
    "PROCESSING": _UNDER_WAY,
    "CHANGE": _UNDER_WAY,
    "SUCCESS": (RefundStatus.SUCCEEDED,),
    FAILED: (RefundStatus.CLOSED,),
}


def key_of(row: TradeRow) -> str:
    """What a row's differences are about; a movement of ours has the same (`movement_key`)."""
    if row.is_refund:
        return refund_key(row.out_trade_no, row.out_refund_no or "")
    return paid_key(row.out_trade_no)


def movement_key(movement: MovementRow) -> str | None:
    """What a movement's differences are about; None for one that is in no trade bill: the end of a refund."""
    if movement.kind is Kind.PAID:
        return paid_key(movement.out_trade_no)
    if movement.kind is Kind.REFUND and movement.out_refund_no is not None:
        return refund_key(movement.out_trade_no, movement.out_refund_no)
    return None


def amount_of(row: TradeRow) -> int:
    """Fen that a row moves. Bills of 24 columns do not tell what coupons took off: theirs is what is settled."""
    if row.is_refund:
        return row.refund_settlement if row.refund_total is None else row.refund_total
    return row.settlement_total if row.total is None else row.total


def ours_of(row: TradeRow, payment: Payment | None) -> int | None:
    """Fen that we have moved by what a row tells of; None where we know of no such money."""
    if payment is None:
        return None
    if row.is_refund:
        refund = payment.refunds.get(row.out_refund_no or "")
        return None if refund is None else refund.amount
    return payment.paid if payment.transaction_id == row.transaction_id else None


def compare(row: TradeRow, payment: Payment | None, day: str) -> tuple[Difference, ...]:
    """All in which a row of the trade bill of `day` differs from our payment of that number; None: there is none here."""
    if payment is None:
        return (_difference(K.UNKNOWN_HERE, row, bill=_told(row), ours=None),)
    return tuple(_refund(row, payment, day) if row.is_refund else _payment(row, payment, day))


def second_row(key: str, line: int, amount: int) -> Difference:
    """The difference that a bill's second row about one thing is, of so many fen."""
    _, out_trade_no, *refund = key.split("#", 2)
    return Difference(
        K.UNKNOWN_HERE,
        key,
        bill=f"{money(amount)}, once more",
        ours="once",
        out_trade_no=out_trade_no,
        out_refund_no=refund[0] if refund else None,
        line=line,
    )


def lacking_there(movement: MovementRow, key: str) -> Difference | None:
    """The difference that a movement of ours is which the bill of its day does not have.

    None for a refund that was closed: no money has moved, and a bill may leave it out. What happened within a minute of
    midnight may stand in the neighbouring day's bill, and awaits that.
    """
    if movement.refund_status is RefundStatus.CLOSED:
        return None
    neighbour = neighbour_of(movement.at)
    return Difference(
        K.UNKNOWN_THERE if neighbour is None else K.OTHER_DAY,
        key,
        ours=f"{money(movement.amount)} at {movement.at}",
        out_trade_no=movement.out_trade_no,
        out_refund_no=movement.out_refund_no,
        wechat_number=movement.refund_id if movement.out_refund_no else movement.transaction_id,
        awaits=neighbour,
        becomes=None if neighbour is None else K.UNKNOWN_THERE,
    )


def _payment(row: TradeRow, payment: Payment, day: str) -> Iterator[Difference]:
    if payment.transaction_id not in (None, row.transaction_id):
        # Not the money that we know. One row tells of both, for both have this order's number.
        ours = f"{money(payment.paid, payment.currency)} by {payment.transaction_id}"
        yield _difference(K.UNKNOWN_HERE, row, bill=_told(row), ours=ours)
        return
    if row.state != _PAID or payment.status.rank < Status.PAID.rank:
        yield _difference(K.STATE, row, bill=row.state, ours=payment.status.word)
        return
    if not is_of(day, payment.success_time):
        yield _difference(K.OTHER_DAY, row, bill=row.at, ours=payment.success_time)
    coupon = 0 if payment.payer_total is None else payment.amount - payment.payer_total
    if row.currency != payment.currency or not _is_total(row, payment.amount):
        bill, ours = money(amount_of(row), row.currency), money(payment.amount, payment.currency)
        yield _difference(K.AMOUNT, row, bill=bill, ours=ours)
    if row.coupon != coupon:
        yield _difference(K.COUPON, row, bill=money(row.coupon), ours=money(coupon))


def _refund(row: TradeRow, payment: Payment, day: str) -> Iterator[Difference]:
    refund = payment.refunds.get(row.out_refund_no or "")
    if refund is None and row.refund_state == FAILED:
        return  # somebody else's, and it has moved no money: there is none here
    if refund is None or refund.refund_id not in (None, row.refund_id):
        ours = None if refund is None else f"{money(refund.amount)} by {refund.refund_id}"
        yield _difference(K.REFUND_UNKNOWN_HERE, row, bill=_told(row), ours=ours)
        return
    if refund.status not in _POSSIBLE.get(row.refund_state or "", ()):
        yield _difference(K.STATE, row, bill=row.refund_state, ours=refund.status.word)
        return
    if not is_of(day, refund.create_time):
        yield _difference(K.OTHER_DAY, row, bill=row.at, ours=refund.create_time)
    if not _is_refund_amount(row, payment, refund):
        yield _difference(K.AMOUNT, row, bill=money(amount_of(row)), ours=money(refund.amount))
    elif (ours_back := _coupon_back(payment, refund)) is not None and row.refund_total is not None:
        bill_back = row.refund_total - row.refund_settlement + row.refund_coupon
        if bill_back != ours_back:
            yield _difference(K.COUPON, row, bill=money(bill_back), ours=money(ours_back))


def _is_total(row: TradeRow, amount: int) -> bool:
    """Whether an order of this amount can have such a row: coupons may take off no more than they paid."""
    if row.total is not None:
        return row.total == amount
    return 0 <= amount - row.settlement_total <= row.coupon


def _is_refund_amount(row: TradeRow, payment: Payment, refund: Refund) -> bool:
    if row.refund_total is not None:
        return row.refund_total == refund.amount
    by_coupons = 0 if payment.payer_total is None else payment.amount - payment.payer_total
    return 0 <= refund.amount - row.refund_settlement <= by_coupons


def _coupon_back(payment: Payment, refund: Refund) -> int | None:
    """Fen that coupons get back of a refund; None where nobody has told."""
    if refund.payer_amount is not None:
        return refund.amount - refund.payer_amount
    return 0 if payment.payer_total is None else None


def _told(row: TradeRow) -> str:
    return f"{money(amount_of(row), row.currency)} at {row.at}"


def _difference(kind: DifferenceKind, row: TradeRow, *, bill: str | None, ours: str | None) -> Difference:
    return Difference(
        kind,
        key_of(row),
        bill=bill,
        ours=ours,
        out_trade_no=row.out_trade_no,
        out_refund_no=row.out_refund_no if row.is_refund else None,
        wechat_number=row.refund_id if row.is_refund else row.transaction_id,
        line=row.line,
    )
