"""What a bill knows better than we do is asked of WeChat Pay, and believed only as a signed answer, by the doors for all evidence."""

from dataclasses import replace

from payments.core.books.comparing import compare
from payments.core.books.differences import Difference, DifferenceKind
from payments.core.books.rows import TradeRow
from payments.core.errors import StorageUnavailableError, TryAgainError
from payments.core.payment import Payment
from payments.logs import logger
from payments.use_cases.asking import query_order
from payments.use_cases.books.difference_list import Listing
from payments.use_cases.refunds.refund_asking import query_refund
from payments.wiring import Wiring

REPAIRS = 200  # questions that one part asks; what is left stands, and the next run asks about it
TROUBLES = 3  # questions without an answer, after which a part asks no more

_REPAIRABLE = (DifferenceKind.STATE, DifferenceKind.REFUND_UNKNOWN_HERE)


class Repairs:
    """The repairs of one part of the trade bill of `day`."""

    def __init__(self, day: str, listing: Listing, wiring: Wiring) -> None:
        self._day, self._listing, self._wiring = day, listing, wiring
        self._left, self._troubles = REPAIRS, TROUBLES

    def repair(
        self, row: TradeRow, payment: Payment, differences: tuple[Difference, ...]
    ) -> tuple[Payment, tuple[Difference, ...]]:
        """The payment after WeChat Pay was asked about what a row and it differ in, and the differences: those that are gone are repaired.

        Raises StorageUnavailableError.
        """
        wanted = any(each.kind in _REPAIRABLE for each in differences)
        if not wanted or not self._left or not self._troubles:
            return payment, differences
        self._left -= 1
        # Before anything changes: whoever works on this part again after a death must still tell what it was, and not what half
        # a repair has left.
        differences = self._listing.of_line(row.line) or differences
        self._listing.keep(differences)
        try:
            payment = self._ask(row, payment)
        except TryAgainError as problem:
            self._troubles -= 1
            logger.warning(
                "a difference could not be asked about",
                extra={
                    "out_trade_no": row.out_trade_no,
                    "out_refund_no": row.out_refund_no,
                    "cause": str(problem.__cause__ or problem),
                },
            )
            return payment, differences
        still = compare(row, payment, self._day)
        known = {each.key for each in still}
        gone = tuple(replace(each, repaired=True) for each in differences if each.key not in known)
        return payment, (*gone, *still)

    def _ask(self, row: TradeRow, payment: Payment) -> Payment:
        known = (
            query_refund(payment, row.out_refund_no, self._wiring)
            if row.out_refund_no is not None
            else query_order(payment, self._wiring)
        )
        if known is None:
            return payment
        # A door may have left it to a person, or it may have moved: what counts is what is there now.
        read = self._wiring.store.get(payment.out_trade_no)
        if read is None:
            raise StorageUnavailableError("a payment is not there any more")
        return read
