"""The bus to checkouts, by way of a queue: an order of one is paid, so nothing else of it may be; a second payment is told, and may go back."""

import json
from functools import partial
from typing import Any

from payments.api.checkouts.attempts import order_of
from payments.core.errors import ApiError, StorageUnavailableError
from payments.logs import logger
from payments.use_cases.checkouts.crediting import credit_checkout
from payments.wiring import Wiring

BUDGET_SECONDS = 12  # for one event, inside the function's fifteen

wiring = Wiring(ahead=("checkouts", "store"))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Hear each event; what could not be seen to is delivered again. What is heard of twice is done once."""
    if "Records" not in event:  # by the rule of a release before, which is there until a deployment has ended
        hear(event["detail"])
        return {"batchItemFailures": []}
    failures = []
    for record in event["Records"]:
        detail = json.loads(record["body"])["detail"]
        try:
            hear(detail)
        except (ApiError, StorageUnavailableError) as problem:
            code = problem.code if isinstance(problem, ApiError) else "SYSTEMERROR"
            about = {"checkout_id": detail["checkoutId"], "out_trade_no": detail["outTradeNo"]}
            logger.warning("not heard", extra={**about, "error": code, "cause": str(problem)})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def hear(detail: dict[str, Any]) -> None:
    """One paid order of a checkout. Raises ApiError, StorageUnavailableError when it has to be heard of again."""
    log_context = {"checkout_id": detail["checkoutId"], "out_trade_no": detail["outTradeNo"]}
    wiring.begin(BUDGET_SECONDS)
    checkout = credit_checkout(
        detail["checkoutId"],
        detail["outTradeNo"],
        order_of=partial(
            order_of, source_ip="", wiring=wiring
        ),  # of an order that is closed before it is sent
        wiring=wiring,
    )
    if checkout is None:
        logger.error("a paid order's checkout is not in the table", extra=log_context)
        return
    duplicate = checkout.paid_by != detail["outTradeNo"]
    logger.info("checkout paid", extra={**log_context, "duplicate": duplicate, "frozen": checkout.frozen})
