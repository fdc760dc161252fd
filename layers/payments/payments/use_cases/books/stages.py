"""A run's stages once its bills are there, each in as many messages as the day needs; the last part of one begins the next.

Every message may come twice, and a death anywhere lets it come again: parts write the same rows under the same names, what is done is
not done again, and messages are sent before the stage moves.
"""

from collections.abc import Sequence
from contextlib import suppress

from payments.core.books.bill_day import BillDay, DayStatus
from payments.core.books.bill_text import BillFormatError, BillKind
from payments.core.books.partitions import partitions
from payments.core.books.results import PartResult
from payments.core.errors import RefusedUpdate
from payments.logs import logger
from payments.storage.books.results import Part
from payments.use_cases.books.concluding import conclude, tidy_up
from payments.use_cases.books.fund_part import read_fund_part
from payments.use_cases.books.join_part import join_part
from payments.use_cases.books.journal_part import compare_journal_part
from payments.use_cases.books.messages import Message, send
from payments.use_cases.books.trade_part import compare_trade_part
from payments.wiring import Wiring

TRADE, FUND, JOURNAL, JOIN, CONCLUDE = _STAGES = ("trade", "fund", "journal", "join", "conclude")


def begin_comparing(day: BillDay, wiring: Wiring) -> None:
    """Both bills of a run are kept, be they empty: everything after that. Raises StorageUnavailableError.

    Sent again by whoever is told again that the bills are there.
    """
    parts = [(TRADE, number) for number in range(_parts(day, TRADE))]
    parts += [(FUND, number) for number in range(_parts(day, FUND))]
    if not parts:
        parts = _second(day)
    _next(day, parts, wiring)


def work_on(message: Message, wiring: Wiring) -> None:
    """Do what a message asks for, unless it is done or its run has lost the day. Raises StorageUnavailableError."""
    day = wiring.bills.day(message.bill_date)
    if day is None or day.run != message.run:
        logger.info("a message of an earlier run", extra=message.log_context)
        return
    if message.stage not in _STAGES:
        logger.error("nobody knows this stage", extra=message.log_context)
        return
    if message.stage == CONCLUDE:
        if day.status is DayStatus.RUNNING:
            conclude(day, wiring)
        elif day.status.is_done:
            tidy_up(day, wiring)
        return
    if day.status is not DayStatus.RUNNING:
        return
    part = Part(message.bill_date, message.run, message.stage, message.part)
    with suppress(RefusedUpdate):  # nobody else takes a day that has just been looked at
        wiring.bills.renew(message.bill_date, message.run, now=int(wiring.now()))
    if not wiring.results.is_finished(part):
        try:
            result = _done(part, day, wiring)
        except BillFormatError as problem:  # it would be no better the next time
            _give_up(part, problem, wiring)
            return
        wiring.results.finish(part, result)
    _go_on(part, day, wiring)


def _give_up(part: Part, problem: BillFormatError, wiring: Wiring) -> None:
    reason = f"{BillKind(part.stage).words} cannot be read: {problem}"
    logger.error(
        "a bill cannot be read", extra={"bill_date": part.bill_date, "run": part.run, "reason": reason}
    )
    with suppress(RefusedUpdate):  # another part has said so
        wiring.bills.put_off(part.bill_date, part.run, DayStatus.FAILED, reason, now=int(wiring.now()))


def _done(part: Part, day: BillDay, wiring: Wiring) -> PartResult:
    count = _partitions(day)
    if part.stage == TRADE:
        rows = wiring.bill_files.rows(part.bill_date, BillKind.TRADE, part.number)
        return compare_trade_part(part, rows, count, wiring)
    if part.stage == FUND:
        bookings = wiring.bill_files.rows(part.bill_date, BillKind.FUND, part.number)
        return read_fund_part(part, bookings, count, wiring)
    trades = wiring.results.finished(part.bill_date, part.run, TRADE)
    if part.stage == JOURNAL:
        return compare_journal_part(part, trades, count, wiring)
    funds = wiring.results.finished(part.bill_date, part.run, FUND)
    return join_part(part, trades, funds, count, wiring)


def _go_on(part: Part, day: BillDay, wiring: Wiring) -> None:
    """Begin the next stage if this was the last part of its own."""

    def finished(*stages: str) -> int:
        counts = [wiring.results.count_finished(part.bill_date, part.run, stage) for stage in stages]
        return sum(counts)

    if part.stage in (TRADE, FUND):
        if finished(TRADE, FUND) == _parts(day, TRADE) + _parts(day, FUND):
            _next(day, _second(day), wiring)
    elif finished(JOURNAL, JOIN) == 2 * _partitions(day):
        _next(day, [(CONCLUDE, 0)], wiring)


def _next(day: BillDay, parts: Sequence[tuple[str, int]], wiring: Wiring) -> None:
    run, seen = day.run or "", day.stage or ""
    send([Message(day.bill_date, run, stage, number) for stage, number in parts], wiring)
    with suppress(RefusedUpdate):  # somebody else has moved it
        wiring.bills.advance(day.bill_date, run, seen=seen, stage=parts[0][0], now=int(wiring.now()))


def _second(day: BillDay) -> list[tuple[str, int]]:
    return [(stage, number) for stage in (JOURNAL, JOIN) for number in range(_partitions(day))]


def _partitions(day: BillDay) -> int:
    return partitions(sum(bill.rows for bill in (day.trade, day.fund) if bill is not None))


def _parts(day: BillDay, stage: str) -> int:
    bill = day.trade if stage == TRADE else day.fund
    return 0 if bill is None else bill.parts
