"""From ten in the morning on, Beijing time: days whose bills are to be fetched go to the queue; in the evening it tells of one that is late."""

from typing import Any

from payments.logs import logger
from payments.use_cases.books.due_days import due_days, fetch_later, tell_missing
from payments.wiring import Wiring

wiring = Wiring(ahead=("bills", "queue"))


def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """One run. Lambda tries it again when this raises; a day that is sent twice is fetched once."""
    days = due_days(wiring)
    wiring.measure({"BillMissing": days.overdue})  # noughts too: the alarm ends by one
    fetch_later(days.due, wiring)
    if days.late is not None:
        tell_missing(days.late, wiring)
    logger.info(
        "bills", extra={"due": list(days.due), "late": days.late is not None, "overdue": days.overdue}
    )
    return {"sent": len(days.due), "overdue": days.overdue}
