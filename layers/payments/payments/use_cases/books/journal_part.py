"""One partition of orders: which movements of our journal the trade bill of their day lacks, and what it has twice."""

import itertools
from collections.abc import Iterable, Iterator

from payments.core.books.comparing import lacking_there, movement_key, second_row
from payments.core.books.differences import Difference, unwritten
from payments.core.books.journal import rows_of
from payments.core.books.partitions import partition_of_order, shard_of_partition
from payments.core.books.results import PartResult
from payments.core.books.rows import Kind, MovementRow
from payments.core.errors import TryAgainError
from payments.core.payment import Payment
from payments.core.times import day_text
from payments.logs import logger
from payments.storage.books.results import Part
from payments.use_cases.books.difference_list import Listing
from payments.use_cases.books.repairing import REPAIRS, TROUBLES
from payments.use_cases.books.trade_part import READ_AT_ONCE
from payments.use_cases.refunds.refund_asking import query_refund
from payments.wiring import Wiring

_WRITTEN_AFTER_SECONDS = (
    3600  # seconds after which a payment's rows are in the journal; an alarm rings sooner
)


def compare_journal_part(part: Part, works: Iterable[PartResult], count: int, wiring: Wiring) -> PartResult:
    """Compare partition `part.number` of `count` with what these parts of the trade bill have handed on. Raises StorageUnavailableError."""
    result, listing = PartResult(), Listing(part, wiring)
    billed: set[str] = set()
    unseen: set[str] = set()  # what bill and payments have, as long as the journal has not shown it
    for work in works:
        for key, line, amount, ours in wiring.work_files.lines(work.handed_on, part.number):
            if key in billed:
                listing.add([second_row(key, line, amount)])
                continue
            billed.add(key)
            if ours is not None:
                unseen.add(key)
                result.ours.count(ours, is_refund=key.startswith("refund#"))
    ours_all = wiring.journal.movements(part.bill_date, shard_of_partition(part.number))
    of_part = (each for each in ours_all if partition_of_order(each.out_trade_no, count) == part.number)
    for movement in _confirmed(_lacking(of_part, billed, unseen), wiring):
        if (difference := lacking_there(movement, movement_key(movement) or "")) is not None:
            result.ours.count(movement.amount, is_refund=movement.out_refund_no is not None)
            listing.add([difference])
    listing.add(_unwritten(part, unseen, wiring))
    listing.finish(result)
    return result


def _lacking(movements: Iterable[MovementRow], billed: set[str], unseen: set[str]) -> Iterator[MovementRow]:
    """Those that the bill lacks; all that pass are seen."""
    for movement in movements:
        if (key := movement_key(movement)) is not None:
            unseen.discard(key)
            if key not in billed:
                yield movement


def _confirmed(movements: Iterator[MovementRow], wiring: Wiring) -> Iterator[MovementRow]:
    """Those that still follow from their payments: the journal may be behind by moments, and days become better known."""
    moments = _Moments(wiring)
    while batch := list(itertools.islice(movements, READ_AT_ONCE)):
        payments = wiring.store.get_all({movement.out_trade_no for movement in batch})
        for movement in batch:
            if (payment := payments.get(movement.out_trade_no)) is None:
                continue
            payments[movement.out_trade_no] = payment = moments.asked(payment, movement)
            now = _movements(payment).get(movement_key(movement))
            if now is not None and now.day == movement.day:
                yield now


def _movements(payment: Payment) -> dict[str | None, MovementRow]:
    return {movement_key(row): row for row in rows_of(payment) if isinstance(row, MovementRow)}


class _Moments:
    """Asks when WeChat Pay took a refund that nobody has told it of: until then it stands on the day on which it was sent."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._left, self._troubles = REPAIRS, TROUBLES

    def asked(self, payment: Payment, movement: MovementRow) -> Payment:
        """The payment, with that moment where it was not known. Raises StorageUnavailableError."""
        if movement.kind is not Kind.REFUND or movement.out_refund_no is None:
            return payment
        refund = payment.refunds.get(movement.out_refund_no)
        if refund is None or refund.create_time is not None or not self._left or not self._troubles:
            return payment
        self._left -= 1
        try:
            return query_refund(payment, movement.out_refund_no, self._wiring) or payment
        except TryAgainError as problem:
            self._troubles -= 1
            about = {"out_trade_no": payment.out_trade_no, "out_refund_no": movement.out_refund_no}
            cause = str(problem.__cause__ or problem)
            logger.warning("a refund's day could not be asked about", extra={**about, "cause": cause})
            return payment


def _unwritten(part: Part, keys: set[str], wiring: Wiring) -> list[Difference]:
    """What the journal should have by now of the payments that the bill has, as one difference: others may be lacking as well."""
    numbers = sorted({key.split("#", 2)[1] for key in keys})
    lacking: list[MovementRow] = []
    for start in range(0, len(numbers), READ_AT_ONCE):
        for payment in wiring.store.get_all(numbers[start : start + READ_AT_ONCE]).values():
            movements = _movements(payment)
            lacking += [
                movement
                for key in keys & movements.keys()
                if (movement := movements[key]).day == part.bill_date
                and _is_written(payment, movement, int(wiring.now()))
            ]
    if not lacking:
        return []
    return [unwritten(part.number, len(lacking), min(each.out_trade_no for each in lacking))]


def _is_written(payment: Payment, movement: MovementRow, now: int) -> bool:
    """Whether a movement has been on its day for so long that the journal has it."""
    if payment.updated_at > now - _WRITTEN_AFTER_SECONDS:
        return False
    if movement.out_refund_no is None:
        return True
    refund = payment.refunds[movement.out_refund_no]
    # On another day, or nowhere, until WeChat Pay has told when it took it; and that may have been just now.
    return not refund.elsewhere and day_text(refund.sent_at or refund.created_at) == movement.day
