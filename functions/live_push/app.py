"""The bus to the pages that are open: whoever waits for an order hears of its new status.

A page never misses a status, whichever comes first, the page or the transition. A page does three things in this order:
its row is written, its connection opens, it reads the order's public view. This function runs after the transition was
committed, and reads the rows. If it finds the page's row, and the connection is open, it tells the page. If there is no
row yet, or the connection is not open yet, the page reads the view later than the commit, and so sees the new status.
A page may hear of a status twice, or late: a message carries the payment's version, and a page ignores what is not
higher than what it knows.
"""

import contextlib
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from payments.api.public_status import public_status
from payments.core.checkouts.rules import row
from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.storage.connections import Connection
from payments.wiring import Wiring

MAX_PAGES_TOLD = 20  # connections of one order that are told, the newest first: a buyer has few pages open
# Seconds that API Gateway may take to open a connection; until then it calls it gone, too.
HANDSHAKE_SECONDS = 30

wiring = Wiring(ahead=("connections", "live"))


def lambda_handler(event: dict[str, Any], _context: Any) -> None:
    """Tell every page of the order. One that cannot be told looks by itself, so nothing is tried again."""
    detail = event["detail"]
    log_context = {
        "out_trade_no": detail["outTradeNo"],
        "version": detail["version"],
        "status": detail["status"],
    }
    status = public_status(detail["status"], expired=detail.get("expired", False))
    version, waited_for = detail["version"], detail["outTradeNo"]
    if "checkoutId" in detail:  # whose pages wait for the whole of it, whichever order is open
        version, waited_for = row(detail["attempt"], version), detail["checkoutId"]
    news = msgspec.json.encode({"version": version, "status": status})
    try:
        waiting = wiring.connections.waiting_for(waited_for)
    except StorageUnavailableError as problem:
        logger.warning("pages not told", extra={**log_context, "error": str(problem)})
        return
    told = sum(push(connection, news) for connection in waiting[:MAX_PAGES_TOLD])
    logger.info("pages told", extra={**log_context, "told": told, "waiting": len(waiting)})


def push(connection: Connection, news: bytes) -> bool:
    """Whether one page was told; forgets the connection when it is over."""
    try:
        wiring.live.post_to_connection(ConnectionId=connection.connection_id, Data=news)
    except ClientError as problem:
        if problem.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            forget_if_over(connection)
        else:
            logger.warning("a page was not told", extra={"error": problem.response["Error"]["Code"]})
        return False
    except BotoCoreError as problem:
        logger.warning("a page was not told", extra={"error": type(problem).__name__})
        return False
    return True


def forget_if_over(connection: Connection) -> None:
    """Forget it, unless it may be about to open; what cannot be forgotten now is gone at the next news, too."""
    if wiring.now() - connection.opened_at > HANDSHAKE_SECONDS:
        with contextlib.suppress(StorageUnavailableError):
            wiring.connections.forget(connection)
