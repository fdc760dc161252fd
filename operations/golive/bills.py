"""Whether WeChat Pay's bills can be had and read, and whether the stack has compared the latest with its own records."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import requests

from operations.checks.findings import Findings, fault, good, unchecked
from operations.checks.gateway import keys_and_signer, recording_client, refused_call, unknown_call
from operations.configuration import Configuration
from operations.stack import Stack
from payments.core.books.bill_day import DayStatus, days_before
from payments.core.books.bill_text import BillFormatError, BillKind, Line, lines
from payments.core.books.bills import fund_rows, trade_rows
from payments.core.times import beijing, day_text
from payments.storage.books.bills import DAY
from wechatpay.bill_calls import BillLink, download, fund_flow_bill, trade_bill
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError, UnprovenBillError

READY_FROM, DONE_BY = "10:10", "20:30"  # between these, in Beijing, yesterday is fetched and compared
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


def check_compared(stack: Stack) -> Findings:
    """What the stack says of yesterday; until it must be done by, the day before will do."""
    now = int(time.time())
    clock, latest = beijing(now)[11:16], days_before(day_text(now), 1)
    day, (status, reason) = latest, _status(stack, latest)
    if clock < DONE_BY and not (status and status.is_done):
        before = days_before(latest, 1)
        earlier = _status(stack, before)
        if clock < READY_FROM or (earlier[0] and earlier[0].is_done):
            day, (status, reason) = before, earlier
    again = f"make bills ENV={stack.env} DAY={day}"
    if status in (DayStatus.BALANCED, DayStatus.EMPTY):
        yield good(f"{day} was compared with our own records: {status}")
    elif status is DayStatus.DIFFERS:
        yield fault(f"{day} differs from our own records", again)
    elif status is DayStatus.RUNNING:
        yield unchecked(f"{day} is being compared with our own records", "try again in a few minutes")
    else:
        why = f" ({reason})" if reason else ""
        yield fault(f"{day} was not compared with our own records{why}", f"{again} RUN=1")


def _status(stack: Stack, day: str) -> tuple[DayStatus | None, str]:
    """Where a day stands, and why; none where nobody has looked at it."""
    key = {"bill_date": {"S": day}, "part": {"S": DAY}}
    answer = stack.client("dynamodb").get_item(
        TableName=stack.output("BillsTableName"), Key=key, ConsistentRead=True
    )
    item = answer.get("Item", {})
    status = item.get("status", {}).get("S")
    return DayStatus(status) if status else None, item.get("reason", {}).get("S", "")
