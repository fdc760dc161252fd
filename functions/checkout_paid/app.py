"""The bus to checkouts: an order of one is paid, so nothing else of it may be; a second payment is told, and may go back."""

from functools import partial
from typing import Any

from payments.api.checkouts.attempts import order_of
from payments.logs import logger
from payments.use_cases.checkouts.crediting import credit_checkout
from payments.wiring import Wiring

BUDGET_SECONDS = 12

wiring = Wiring(ahead=("checkouts", "store"))


def lambda_handler(event: dict[str, Any], _context: Any) -> None:
    """One event. Lambda tries it again when this raises; what is heard of twice is done once."""
    detail = event["detail"]
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
