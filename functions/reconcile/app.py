"""The queue of the books: a day's bills are fetched, and then compared part by part."""

import json
from dataclasses import replace
from typing import Any

from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.storage.books.bills import FETCH
from payments.use_cases.books.fetching import fetch_bills
from payments.use_cases.books.messages import Message
from payments.use_cases.books.stages import begin_comparing, work_on
from payments.wiring import Wiring

BUDGET_SECONDS = 840  # seconds for one message, inside the function's fifteen minutes

wiring = Wiring(ahead=("bills", "bill_files", "wechat", "queue"))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Do what each message asks for; what our own storage could not take is delivered again."""
    failures = []
    for record in event["Records"]:
        message = Message.of(json.loads(record["body"]))
        if message.stage == FETCH:
            # A message that is delivered again, because its function died, is the same run.
            message = replace(message, run=record["messageId"])
        wiring.begin(BUDGET_SECONDS)
        try:
            _work(message)
        except StorageUnavailableError as problem:
            logger.warning(
                "not done", extra={**message.log_context, "error": "SYSTEMERROR", "cause": str(problem)}
            )
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _work(message: Message) -> None:
    if message.stage != FETCH:
        work_on(message, wiring)
        return
    day = fetch_bills(message.bill_date, message.run, wiring)
    if day is not None:
        logger.info("fetched", extra=message.log_context)
        begin_comparing(day, wiring)
