"""`make cancel-refund ORDER=WX… REFUND=RF…`: a refund that WeChat Pay does not take is sent no more, and its money comes free.

For one that it goes on refusing, for lack of balance or by a rule of its own. Nothing is taken back that WeChat Pay has accepted.
"""

import argparse
import sys
import time

from operations.stack import CannotError, Stack, run
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.lifecycle import RefundStatus
from payments.core.payment import Payment, Refund
from payments.storage.looks import LookStore
from payments.storage.payments import PaymentStore
from payments.storage.refunds import RefundStore

CANCELLED = "CANCELLED"  # in place of WeChat Pay's code: an operator has ended it
MAX_ROUNDS = 5  # readings, when somebody else moves the payment in between

FREE_LATER = (
    "its money is free again once WeChat Pay has proven twice, two minutes apart, that it has no such refund: in about "
    "three minutes, as the event RefundClosed tells; had it been taken after all, it goes on and ends as WeChat Pay says"
)


def main() -> int:
    """End the refund. Returns the exit status: 0 when it is sent no more, 1 when that cannot be."""
    return run((__doc__ or "").partition("\n")[0], _cancel, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--order", required=True, help="the order's outTradeNo")
    parser.add_argument("--refund", required=True, help="the refund's outRefundNo")


def _cancel(stack: Stack, options: argparse.Namespace) -> int:
    shards = int(stack.parameter("DueShards"))
    table = stack.output("PaymentsTableName")
    store = PaymentStore(payments_table=table, due_shards=shards)
    looks = LookStore(payments_table=table, due_shards=shards)
    refunds = RefundStore(due_shards=shards)
    try:
        for _ in range(MAX_ROUNDS):
            payment = _read(store, options.order)
            refund = _known(payment, options.refund)
            try:
                if refund.refused is None:
                    payment = refunds.mark_refused(payment, options.refund, code=CANCELLED, unsure=True)
                looks.set_next_look(payment, due_at=int(time.time()), answered=False)
            except RefusedUpdate:  # sent, told of or looked into at this moment: what is it now?
                continue
            yuan = f"{refund.amount / 100:.2f} yuan"
            before = f" already ({refund.refused})" if refund.refused else ""
            print(f"cancel-refund: {options.refund} over {yuan} is sent no more{before}; {FREE_LATER}")
            return 0
    except StorageUnavailableError as problem:
        raise CannotError(
            f"the table does not answer ({problem}); run it again, that does no harm"
        ) from problem
    raise CannotError("somebody else moves this payment all the time; run it again in a minute")


def _read(store: PaymentStore, out_trade_no: str) -> Payment:
    payment = store.get(out_trade_no)
    if payment is None:
        raise CannotError(f"there is no order {out_trade_no}")
    return payment


def _known(payment: Payment, out_refund_no: str) -> Refund:
    """The refund, if WeChat Pay has neither taken it nor ended it, as far as we know. Raises CannotError."""
    refund = payment.refunds.get(out_refund_no)
    if refund is None:
        known = ", ".join(payment.refunds) or "none"
        raise CannotError(f"the order {payment.out_trade_no} has no refund {out_refund_no}; it has: {known}")
    if refund.status is RefundStatus.CLOSED:
        raise CannotError(f"{out_refund_no} has ended already: nothing was paid, and its money is free")
    if refund.status is RefundStatus.SUCCEEDED:
        raise CannotError(f"{out_refund_no} has ended already: the money has gone back to the buyer")
    if refund.status is not RefundStatus.REQUESTED:
        raise CannotError(
            f"WeChat Pay has accepted {out_refund_no} already ({refund.status.word}): it cannot be taken back here"
        )
    if refund.wechat_request is None:
        raise CannotError(f"{out_refund_no} was made elsewhere, not by this stack: it is not sent from here")
    if refund.refused is not None and not refund.unsure:
        raise CannotError(
            f"WeChat Pay has refused {out_refund_no} for good ({refund.refused}): it is sent no more, and ends by itself"
        )
    return refund


if __name__ == "__main__":
    sys.exit(main())
