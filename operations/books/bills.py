"""`make bills`: where a day's bills stand, and in what they and our records differ; RUN=1 has the day compared first.

Without a day: the last two weeks, a line for each.
"""

import argparse
import sys
import time
from datetime import date

from operations.books.tables import differences, table
from operations.stack import CannotError, Stack, run
from payments.core.books.bill_day import BillDay, DayStatus, days_before, oldest_day
from payments.core.books.differences import fee_text
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.money import yuan
from payments.core.times import day_text, utc
from payments.storage.books.bills import FETCH, BillStore
from payments.storage.books.results import ResultStore
from payments.use_cases.books.messages import Message

DAYS = 14  # of the list without a day
TOLD_EACH = 2.0  # seconds between two looks, and two lines, while a run works
DIFFERS, NOT_DONE = 3, 1  # exit statuses
AGAIN = "it is asked for again from 10:10 to 20:40 Beijing time, each half hour; DAY=… RUN=1 asks at once"


def main() -> int:
    """Print it. Returns the exit status: 0 when all balances, 3 when a person has to judge, 1 when it is not compared."""
    return run((__doc__ or "").partition("\n")[0], _bills, _arguments, cannot=NOT_DONE)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--day", default="", help="a Beijing day, like 2026-11-28")
    parser.add_argument("--run", action="store_true", help="have it fetched and compared, and wait for that")
    parser.add_argument(
        "--wait", type=float, default=1800, help="seconds that are waited for it (default 1800)"
    )


def _bills(stack: Stack, options: argparse.Namespace) -> int:
    store = BillStore(bills_table=stack.output("BillsTableName"))
    try:
        if not options.day:
            if options.run:
                raise CannotError("which day is to be compared? Say DAY=2026-11-28")
            return _list(store)
        day = _checked(options.day)
        if options.run:
            _compare(day, store, stack, options.wait)
        return _tell(day, store, ResultStore(bills_table=stack.output("BillsTableName")))
    except StorageUnavailableError as problem:
        raise CannotError(f"the table does not answer ({problem}); try again") from problem


def _checked(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise CannotError(f"{text} is no day; a day is like 2026-11-28")


def _list(store: BillStore) -> int:
    yesterday = days_before(day_text(int(time.time())), 1)
    dates = [days_before(yesterday, back) for back in range(DAYS)]
    known = store.days(dates)
    rows: list[tuple[object, ...]] = [
        ("day", "status", "payments", "yuan", "refunds", "yuan", "differences", "")
    ]
    for bill_date in dates:
        day = known.get(bill_date)
        if day is None:
            rows.append((bill_date, "-", "", "", "", "", "", "nobody has looked at it"))
        else:
            rows.append((bill_date, day.status.value, *_numbers(day), day.reason))
    print("\n".join(table(rows, right=(2, 3, 4, 5, 6))))
    last = known.get(yesterday)
    status = NOT_DONE if last is None else _exit_status(last)
    if status == NOT_DONE:
        print(f"bills: {yesterday} is not compared; {AGAIN}")
    elif status == DIFFERS:
        print(f"bills: DAY={yesterday} shows in what it differs")
    return status


def _numbers(day: BillDay) -> tuple[object, ...]:
    if not day.status.is_done:
        return ("",) * 5
    of = day.results.get
    amounts = of("orders", 0), yuan(of("amount", 0)), of("refunds", 0), yuan(of("refund_amount", 0))
    return (*amounts, of("differences", 0))


def _has_a_bill(bill_date: str) -> None:
    now = int(time.time())
    if not oldest_day(now) <= bill_date < day_text(now):
        raise CannotError(
            f"WeChat Pay has bills of {oldest_day(now)} to {days_before(day_text(now), 1)}, and none of {bill_date}"
        )


def _compare(bill_date: str, store: BillStore, stack: Stack, patience: float) -> None:
    _has_a_bill(bill_date)
    now = int(time.time())
    try:
        before = store.reopen(bill_date, now=now)
    except RefusedUpdate:
        raise CannotError(f"{bill_date} is being compared already") from None
    message = Message(bill_date, "", FETCH).text()
    stack.client("sqs").send_message(QueueUrl=stack.output("BooksQueueUrl"), MessageBody=message)
    until = time.monotonic() + patience
    told = time.monotonic()
    while True:
        day = store.day(bill_date)
        if day is not None and day.status is not DayStatus.RUNNING and day.attempts > before.attempts:
            return
        if time.monotonic() >= until:
            raise CannotError(f"{bill_date} is not compared after {patience:g} seconds; it goes on by itself")
        if time.monotonic() - told >= TOLD_EACH:
            told = time.monotonic()
            print(f"bills: {bill_date} {_stage(day)} …", flush=True)
        time.sleep(min(TOLD_EACH, 0.5))


def _stage(day: BillDay | None) -> str:
    if day is None or day.status is not DayStatus.RUNNING:
        return "waits for its turn"
    rows = sum(bill.rows for bill in (day.trade, day.fund) if bill is not None)
    return "is fetched" if day.stage == FETCH else f"is compared ({day.stage}, {rows} rows of bills)"


def _tell(bill_date: str, store: BillStore, results: ResultStore) -> int:
    day = store.day(bill_date)
    if day is None:
        _has_a_bill(bill_date)
        raise CannotError(f"nobody has looked at {bill_date} yet; RUN=1 has it compared")
    print(f"{bill_date}  {day.status.value}  since {utc(day.updated_at)}, in run {day.attempts}")
    if day.reason:
        print(day.reason)
    if not day.status.is_done:
        if day.status is not DayStatus.RUNNING:
            print(AGAIN)
        return NOT_DONE
    print("\n".join(_sums(day)))
    found = [each.difference for each in results.differences(bill_date, day.run or "")]
    print("\n".join(differences(found)) or "no difference")
    return _exit_status(day)


def _sums(day: BillDay) -> list[str]:
    def of(name: str) -> int:
        return day.results.get(name, 0)

    rows: list[tuple[object, ...]] = [
        ("", "in the bill", "yuan", "with us", "yuan"),
        ("payments", of("orders"), yuan(of("amount")), of("our_orders"), yuan(of("our_amount"))),
        (
            "refunds",
            of("refunds"),
            yuan(of("refund_amount")),
            of("our_refunds"),
            yuan(of("our_refund_amount")),
        ),
        ("fees", "", fee_text(of("fee")), "", ""),
        ("account: came in", "", yuan(of("income")), "", ""),
        ("account: went out", "", yuan(of("expense")), "", ""),
    ]
    others = sorted(name.partition(":")[2] for name in day.results if name.startswith("other_rows:"))
    rows += [
        (f"of these {kind}", of(f"other_rows:{kind}"), yuan(of(f"other_amount:{kind}")), "", "")
        for kind in others
    ]
    return table(rows, right=(1, 2, 3, 4))


def _exit_status(day: BillDay) -> int:
    if not day.status.is_done:
        return NOT_DONE
    return DIFFERS if day.status is DayStatus.DIFFERS else 0


if __name__ == "__main__":
    sys.exit(main())
