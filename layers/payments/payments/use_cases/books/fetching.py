"""Fetching: both bills of a day from WeChat Pay into the bucket, proven by the hash that it has signed."""

from collections.abc import Callable

from payments.core.books.bill_day import BillDay, DayStatus, KeptBill
from payments.core.books.bill_text import BillFormatError, BillKind
from payments.core.errors import RefusedUpdate
from payments.logs import logger
from payments.storage.books.bills import FETCH
from payments.wiring import Wiring
from wechatpay.bill_calls import BillLink, download, fund_flow_bill, trade_bill
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError, UnprovenBillError

_ASK: dict[BillKind, Callable[[Client, str], BillLink]] = {
    BillKind.TRADE: trade_bill,
    BillKind.FUND: fund_flow_bill,
}


class _NotFetchedError(Exception):
    """A bill cannot be had: `status` is the day's, `reason` what is to be said of it."""

    def __init__(self, status: DayStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def fetch_bills(bill_date: str, run: str, wiring: Wiring) -> BillDay | None:
    """The day with both bills kept, for this run; None when there is nothing to compare now.

    That is when another run has the day or has done it, and when a bill cannot be had: then the day says why, and comes up again by
    the schedule. A run whose function died begins again. Raises StorageUnavailableError.
    """
    seen = wiring.bills.day(bill_date)
    if seen is not None and seen.run == run and seen.stage == FETCH and seen.trade and seen.fund:
        return seen if seen.status is DayStatus.RUNNING else None  # it died after this was done
    try:
        wiring.bills.claim(bill_date, run, now=int(wiring.now()))
    except RefusedUpdate:
        logger.info("the day is done, or another run's", extra={"bill_date": bill_date, "run": run})
        return None
    try:
        kept = {kind.value: _fetch(kind, bill_date, wiring) for kind in BillKind}
    except _NotFetchedError as problem:
        _put_off(bill_date, run, problem, wiring)
        return None
    try:
        return wiring.bills.keep_bill(bill_date, run, kept, now=int(wiring.now()))
    except RefusedUpdate:
        logger.warning("another run has taken the day", extra={"bill_date": bill_date, "run": run})
        return None


def _put_off(bill_date: str, run: str, problem: _NotFetchedError, wiring: Wiring) -> None:
    log_context = {"bill_date": bill_date, "run": run, "reason": problem.reason}
    if problem.status is DayStatus.FAILED:
        logger.error("a bill cannot be had", extra=log_context)
    else:
        logger.info("a bill is not there yet", extra=log_context)
    try:
        wiring.bills.put_off(bill_date, run, problem.status, problem.reason, now=int(wiring.now()))
    except RefusedUpdate:
        logger.warning("another run has taken the day", extra=log_context)


def _fetch(kind: BillKind, bill_date: str, wiring: Wiring) -> KeptBill:
    name = kind.words
    try:
        link = _ASK[kind](wiring.wechat, bill_date)
        index = wiring.bill_files.write(kind, bill_date, download(wiring.wechat, link))
    except RefusedError as refusal:
        # Only WeChat Pay itself may say that nothing happened: the day would count as compared.
        if refusal.is_code("NO_STATEMENT_EXIST") and refusal.proven:
            return KeptBill()
        raise _refused(name, refusal) from refusal
    except UnknownOutcomeError as problem:
        raise _NotFetchedError(
            DayStatus.PENDING, f"WeChat Pay did not give {name}: {problem.code or problem.reason}"
        ) from problem
    except UnprovenBillError as problem:
        raise _NotFetchedError(
            DayStatus.FAILED, f"{name} was not taken: {problem}; it is fetched again"
        ) from problem
    except BillFormatError as problem:
        raise _NotFetchedError(DayStatus.FAILED, f"{name} cannot be read: {problem}") from problem
    return KeptBill(rows=index.rows, parts=len(index.members), sha1=link.sha1)


def _refused(name: str, refusal: RefusedError) -> _NotFetchedError:
    if refusal.is_code("STATEMENT_CREATING"):
        return _NotFetchedError(DayStatus.PENDING, f"WeChat Pay is still making {name}")
    if refusal.is_code("FREQUENCY_LIMITED", "SYSTEM_ERROR") or not refusal.proven:
        return _NotFetchedError(DayStatus.PENDING, f"WeChat Pay did not give {name}: {refusal.code}")
    if refusal.is_code("NO_AUTH"):
        return _NotFetchedError(
            DayStatus.FAILED,
            f"WeChat Pay refuses {name} (NO_AUTH): the merchant number may not download bills by API; "
            "see to it in the merchant platform, and it is fetched by itself",
        )
    return _NotFetchedError(
        DayStatus.FAILED,
        f"WeChat Pay refuses {name}: {refusal.code} (Request-ID {refusal.request_id})",
    )
