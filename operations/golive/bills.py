"""Whether WeChat Pay's bills can be had and read, and whether the stack has compared the latest with its own records."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import requests

from operations.checks.findings import Findings, fault, good, unchecked
from operations.checks.gateway import keys_and_signer, recording_client, refused_call, unknown_call
from operations.configuration import Configuration
from operations.stack import Stack
from payments.core.books.bill_day import BillDay, DayStatus, days_before
from payments.core.books.bill_text import BillFormatError, BillKind, Line, lines
from payments.core.books.bills import fund_rows, trade_rows
from payments.core.errors import StorageUnavailableError
from payments.core.times import beijing, day_text
from payments.storage.books.bills import FETCH, BillStore
from payments.use_cases.books.messages import Message
from wechatpay.bill_calls import BillLink, download, fund_flow_bill, trade_bill
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError, UnprovenBillError

READY_FROM = "10:10"  # in Beijing, from when on yesterday's bills are fetched
COMPARED_SECONDS = 60  # for a day that has to be compared first
_ASKED: dict[BillKind, Callable[[Client, str], BillLink]] = {
    BillKind.TRADE: trade_bill,
    BillKind.FUND: fund_flow_bill,
}
_READ: dict[BillKind, Callable[[Line, Iterable[Line]], Iterator[object]]] = {
    BillKind.TRADE: trade_rows,
    BillKind.FUND: fund_rows,
}


def check_bills(configuration: Configuration) -> Findings:
    """Fetch and read both bills of yesterday, or of the day before while yesterday's are still being made."""
    ring, signer = keys_and_signer(configuration)
    if ring is None or signer is None:
        return  # said by another row
    answers: list[requests.Response] = []
    client = recording_client(configuration, ring, signer, answers)
    today = day_text(int(time.time()))
    for kind in BillKind:
        for day in (days_before(today, 1), days_before(today, 2)):
            try:
                rows = _rows(client, kind, day)
            except RefusedError as refused:
                if refused.is_code("STATEMENT_CREATING"):
                    continue
                yield from _refused(refused, kind, day)
            except UnknownOutcomeError as unknown:
                yield from unknown_call(unknown, answers)
            except (UnprovenBillError, BillFormatError) as problem:
                yield fault(
                    f"the {kind} bill of {day} cannot be used: {problem}", "try once more; then docs/books.md"
                )
            else:
                yield good(
                    f"the {kind} bill of {day} is the one that WeChat Pay has signed, with {rows} rows"
                )
            break
        else:
            yield unchecked(f"WeChat Pay is still making the {kind} bills", "try again in half an hour")


def _rows(client: Client, kind: BillKind, day: str) -> int:
    text = lines(download(client, _ASKED[kind](client, day)))
    first = next(text)
    rows = sum(1 for _ in _READ[kind](first, chain([first], text)))
    for _ in text:  # to the end, where the hash is compared
        pass
    return rows


def _refused(refused: RefusedError, kind: BillKind, day: str) -> Findings:
    if refused.is_code("NO_STATEMENT_EXIST"):
        yield good(
            f"WeChat Pay has no {kind} bill of {day}, for nothing happened on it, and says so when asked"
        )
    elif refused.is_code("NO_AUTH"):
        yield fault(
            f"WeChat Pay does not hand its {kind} bill to this merchant (NO_AUTH)",
            "ask WeChat Pay's support which right the merchant lacks for downloading bills",
        )
    else:
        yield from refused_call(refused)


def check_compared(stack: Stack, *, wait: float = COMPARED_SECONDS) -> Findings:
    """Yesterday, or the day before until yesterday's bills are there; a day that was not compared is, as its function does it."""
    now = int(time.time())
    date = days_before(day_text(now), 1 if beijing(now)[11:16] >= READY_FROM else 2)
    store = BillStore(bills_table=stack.output("BillsTableName"))
    try:
        day = store.day(date)
        if day is None or not day.status.is_done:
            day = _asked_for(stack, store, date, day, wait)
    except StorageUnavailableError as problem:
        yield unchecked(f"the table of bills does not answer ({problem})", "look as somebody who may read it")
        return
    again = f"make bills ENV={stack.env} DAY={date}"
    if day is None:
        yield fault(
            f"{date} was not compared with our own records: nobody took it from the queue", f"{again} RUN=1"
        )
    elif day.status in (DayStatus.BALANCED, DayStatus.EMPTY):
        yield good(f"{date} was compared with our own records: {day.status}")
    elif day.status is DayStatus.DIFFERS:
        yield fault(f"{date} differs from our own records", again)
    elif day.status is DayStatus.RUNNING:
        yield unchecked(f"{date} is being compared with our own records", "look again in a few minutes")
    else:
        yield fault(
            f"{date} was not compared with our own records: {day.reason}", f"mend that; then {again} RUN=1"
        )


def _asked_for(
    stack: Stack, store: BillStore, date: str, before: BillDay | None, wait: float
) -> BillDay | None:
    """Have it fetched and compared, and wait for what becomes of it."""
    queue = stack.output("BooksQueueUrl")
    stack.client("sqs").send_message(QueueUrl=queue, MessageBody=Message(date, "", FETCH).text())
    until = time.monotonic() + wait
    while True:
        day = store.day(date)
        ended = day is not None and day != before and day.status is not DayStatus.RUNNING
        if ended or time.monotonic() >= until:
            return day
        time.sleep(0.5)
