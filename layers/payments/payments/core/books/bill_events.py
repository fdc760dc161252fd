"""What is told of a day that was compared, as an EventBridge event. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from payments.core.books.bill_day import BillDay, DayStatus
from payments.core.books.differences import fee_text
from payments.core.events import SOURCE
from payments.core.times import utc

BILL_BALANCED, BILL_DIFFERS = "BillBalanced", "BillDiffers"


def bill_entry(
    day: BillDay, status: DayStatus, numbers: Mapping[str, int], *, now: int, bus: str, after: str = ""
) -> dict[str, Any]:
    """The PutEvents entry of a day's result; its id is the run's, so whoever gets it twice can tell. Amounts in fen, the fee in yuan.

    `after` is the neighbouring day that has shown more of it, where this is not the run's first word.
    """
    kinds = {name.removeprefix("kind:"): count for name, count in numbers.items() if name.startswith("kind:")}
    detail = {
        "id": f"{day.bill_date}#{day.run}" + (after and f"#{after}"),
        "billDate": day.bill_date,
        "status": status.value,
        "orders": numbers["orders"],
        "amount": numbers["amount"],
        "refunds": numbers["refunds"],
        "refundAmount": numbers["refund_amount"],
        "fee": fee_text(numbers["fee"]),
        "differences": numbers["differences"],
        "repaired": numbers["repaired"],
        "kinds": kinds,
        "occurredAt": utc(now),
    }
    return {
        "Source": SOURCE,
        "DetailType": BILL_DIFFERS if status is DayStatus.DIFFERS else BILL_BALANCED,
        "EventBusName": bus,
        "Time": now,
        "Detail": msgspec.json.encode(detail).decode(),
    }
