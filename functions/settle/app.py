"""The queues of due payments: ask WeChat Pay what became of each, and apply it through the same doors as a notification."""

import json
from typing import Any

from payments.core.breaker import Breaker
from payments.core.errors import ApiError, StorageUnavailableError
from payments.logs import log_fields, logger
from payments.use_cases.settling import postpone, settle
from payments.wiring import Wiring
from wechatpay.errors import RefusedError

# WeChat Pay's refusals that are about the merchant, not about one order.
ABOUT_THE_MERCHANT = ("SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "MCHID_NOT_EXIST")

LOOK_BUDGET_SECONDS = 40  # seconds for one payment, inside the function's sixty

wiring = Wiring(ahead=("store", "looks", "wechat"))
breaker = Breaker()


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Look into each payment; what our own storage could not take is delivered again."""
    failures = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        log_context: dict[str, object] = {"out_trade_no": message["out_trade_no"]}
        try:
            look_into(
                message["out_trade_no"],
                message.get("lease"),
                log_context,
                may_send=message.get("may_send") is True,
            )
        except StorageUnavailableError as problem:
            logger.warning(
                "not settled", extra={**log_context, "error": "SYSTEMERROR", "cause": str(problem)}
            )
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def look_into(
    out_trade_no: str, lease: int | None, log_context: dict[str, object], *, may_send: bool
) -> None:
    """One payment; only a message of the queue of sends may send its refunds. What WeChat Pay leaves open is looked at again later, not delivered again at once."""
    if breaker.is_open(wiring.now()):
        if (payment := postpone(out_trade_no, wiring)) is not None:
            log_context |= log_fields(payment)
        logger.warning("left alone: WeChat Pay refuses this merchant", extra=log_context)
        return
    try:
        wiring.begin(LOOK_BUDGET_SECONDS)
        payment = settle(
            out_trade_no,
            wiring,
            lease=lease,
            may_send=may_send,
            seen=lambda read: log_context.update(log_fields(read)),
        )
    except ApiError as problem:
        if isinstance(problem.__cause__, RefusedError) and problem.__cause__.is_code(*ABOUT_THE_MERCHANT):
            breaker.note_refusal(wiring.now())
        logger.warning(
            "not settled",
            extra={
                **log_context,
                "error": problem.code,
                "cause": str(problem.__cause__ or ""),
                **problem.details,
            },
        )
    else:
        if payment is None:
            logger.info("nothing to settle", extra=log_context)
            return
        breaker.note_answer()
        logger.info("settled", extra={**log_context, **log_fields(payment)})
