"""What is told, as an EventBridge event, of a day whose bills were not compared in time. Pure."""

from typing import Any

import msgspec

from payments.core.books.bill_day import BillDay
from payments.core.events import SOURCE
from payments.core.times import utc

BILL_MISSING = "BillMissing"


def missing_entry(day: BillDay, *, now: int, bus: str) -> dict[str, Any]:
    """The PutEvents entry; its id is the day's, so whoever gets it twice can tell."""
    detail = {
        "id": f"{day.bill_date}#missing",
        "billDate": day.bill_date,
        "status": day.status.value,
        "reason": day.reason,
        "occurredAt": utc(now),
    }
    return {
        "Source": SOURCE,
        "DetailType": BILL_MISSING,
        "EventBusName": bus,
        "Time": now,
        "Detail": msgspec.json.encode({k: v for k, v in detail.items() if v is not None}).decode(),
    }
