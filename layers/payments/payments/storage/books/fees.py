"""What a bill says that a payment or a refund has cost, kept with it: no transition, so no version, no history, no event."""

import contextlib

from payments.core.books.rows import TradeRow
from payments.core.errors import RefusedUpdate
from payments.core.payment import Payment
from payments.storage.items import P, RawItem, refund_record, write
from payments.storage.tables import PaymentItem


def record_fee(payment: Payment, row: TradeRow, day: str) -> bool:
    """Note the fee of a row of the trade bill of `day`, and that day; `payment` is as it was read. Returns whether it was written.

    Nothing is written that is there already, nor on a payment or refund that is not the row's own. Raises StorageUnavailableError.
    """
    condition = P.transaction_id == row.transaction_id
    if row.is_refund:
        refund = payment.refunds.get(row.out_refund_no or "")
        if refund is None or (refund.fee, refund.settled_on) == (row.fee, day):
            return False
        record = refund_record(refund.out_refund_no)
        actions = [record["fee"].set(row.fee), record["settled_on"].set(day)]
        condition &= record["refund_id"] == row.refund_id
    else:
        if (payment.fee, payment.settled_on) == (row.fee, day):
            return False
        actions = [P.fee.set(row.fee), P.settled_on.set(day)]
    with contextlib.suppress(
        RefusedUpdate
    ):  # it is of another payment by now, or of none: the next run tells
        write("UpdateItem", PaymentItem, payment.out_trade_no, condition, _refused, actions=actions)
        return True
    return False


def _refused(_: RawItem) -> RefusedUpdate:
    return RefusedUpdate()
