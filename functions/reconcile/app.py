"""The queue of the books: a day's bills are fetched, and then compared part by part."""

import json
from typing import Any

from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.storage.books.bills import FETCH
from payments.use_cases.books.fetching import fetch_bills
from payments.wiring import Wiring

wiring = Wiring(ahead=("bills",))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Do what each message asks for; what our own storage could not take is delivered again."""
    failures = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        log_context = {"bill_date": message["billDate"], "stage": message["stage"]}
        try:
            _work(message, record["messageId"], log_context)
        except StorageUnavailableError as problem:
            logger.warning("not done", extra={**log_context, "error": "SYSTEMERROR", "cause": str(problem)})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _work(message: dict[str, Any], message_id: str, log_context: dict[str, Any]) -> None:
    if message["stage"] != FETCH:
        logger.error("nobody knows this stage", extra=log_context)
        return
    # A message that is delivered again, because its function died, is the same run.
    day = fetch_bills(message["billDate"], message_id, wiring)
    if day is not None:
        logger.info("fetched", extra={**log_context, "run": day.run})
