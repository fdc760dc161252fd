"""Every minute: the payments that are due for a look go to the queues, as many as will be looked at."""

from typing import Any

from payments.logs import logger
from payments.use_cases.sweeping import sweep
from payments.wiring import Wiring

wiring = Wiring(ahead=("looks", "queue"))


def lambda_handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """One run, and for how long the oldest payment has been due."""
    began = int(wiring.now())
    swept = sweep(wiring, remaining=context.get_remaining_time_in_millis)
    if not swept.unread:  # no number at all is alarming, too
        wiring.measure({"OldestDueSeconds": began - swept.since}, "Seconds")
    failed = swept.failed + swept.unread
    logger.info("swept", extra={"sent": swept.sent, "failed": failed})
    return {"sent": swept.sent, "failed": failed}
