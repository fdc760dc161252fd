"""The payments table's stream to the journal: what became of a payment is in the books moments later.

All rows follow from the payment, and none that is older overwrites one, so a record may come again, or late.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any

from payments.core.books.journal import changes
from payments.core.errors import StorageUnavailableError
from payments.core.payment import Payment
from payments.logs import logger
from payments.storage.items import payment_of
from payments.storage.unpublished import NotKeptError
from payments.wiring import Wiring

FINAL_CODE = "ValidationException"  # DynamoDB's refusal of a row for what it is: it will refuse it again

wiring = Wiring(ahead=("journal",))

Record = dict[str, Any]


@dataclass
class Moved:
    """One payment in this batch: its images, the oldest first, and the records that brought them."""

    images: list[Payment | None]
    records: list[Record] = field(default_factory=list)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Write what the records change; the first record of the first payment whose rows are not written, and all after it, come again.

    A record that cannot be read, or whose rows are refused for what they are, is put aside: a retry would only keep back
    everything behind it.
    """
    moved: dict[str, Moved] = {}
    failed: Record | None = None
    for record in event["Records"]:
        if record["eventName"] == "REMOVE":
            continue
        change = record["dynamodb"]
        try:
            new = payment_of(change["NewImage"])
        except Exception as problem:  # noqa: BLE001  whatever makes it unreadable, it stays so
            if not _put_aside(record, type(problem).__name__):
                failed = record
                break
            continue
        of_payment = moved.setdefault(new.out_trade_no, Moved([_known(change.get("OldImage"))]))
        of_payment.images.append(new)
        of_payment.records.append(record)
    written = 0
    for out_trade_no, of_payment in moved.items():
        if not _write(out_trade_no, of_payment):
            failed = of_payment.records[0]
            break
        written += 1
    logger.info("payments journalled", extra={"payments": written, "records": len(event["Records"])})
    if failed is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}


def _known(image: dict[str, Any] | None) -> Payment | None:
    """What is written already; None where nobody can tell, and then all of the newest is."""
    with contextlib.suppress(Exception):  # what could not be read was put aside
        return None if image is None else payment_of(image)
    return None


def _write(out_trade_no: str, moved: Moved) -> bool:
    """Whether nothing is left to do for this payment."""
    try:
        wiring.journal.write(changes(moved.images), now=int(wiring.now()))
    except StorageUnavailableError as problem:
        if str(problem) == FINAL_CODE:
            return all(_put_aside(record, FINAL_CODE) for record in moved.records)
        logger.error("not journalled", extra={"out_trade_no": out_trade_no, "error": str(problem)})
        return False
    return True


def _put_aside(record: Record, reason: str) -> bool:
    log_context = {"sequence_number": record["dynamodb"]["SequenceNumber"], "error": reason}
    try:
        key = wiring.unpublished.keep(record, reason=reason, now=int(wiring.now()), folder="unjournalled")
    except NotKeptError as problem:
        logger.error("a record cannot be journalled, nor kept", extra={**log_context, "cause": str(problem)})
        return False
    logger.error("a record cannot be journalled", extra={**log_context, "key": key})
    wiring.count("Unjournalled")
    return True
