"""The bus to the pages that are open: whoever waits for an order hears of its new status.

No order of things loses news. A page's row is written, then its connection opens, then it reads the order's public view;
a transition is committed, then its event comes here, then the rows are read. Where the row is found, the page is told,
or its connection is not open yet; where it is not found, it was not written yet. In both of the latter cases the page
reads after the transition was committed, and has it from the view. It may also hear of it twice, or late: so a message
carries the payment's version, and a page ignores what is not higher than what it knows.
"""

import contextlib
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from payments.api.public_status import public_status
from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.storage.connections import Connection
from payments.wiring import Wiring

CROWD = 20  # connections of one order that are told, the newest first: a buyer has few pages open
OPENING = 30  # seconds that API Gateway may take to open a connection; until then it calls it gone, too

wiring = Wiring()


def lambda_handler(event: dict[str, Any], _context: Any) -> None:
    """Tell every page of the order. One that cannot be told looks by itself, so nothing is tried again."""
    detail = event["detail"]
    line = {"out_trade_no": detail["outTradeNo"], "version": detail["version"], "status": detail["status"]}
    status = public_status(detail["status"], expired=detail.get("expired", False))
    news = msgspec.json.encode({"version": detail["version"], "status": status})
    try:
        waiting = wiring.connections.of(detail["outTradeNo"])
    except StorageUnavailableError as problem:
        logger.warning("pages not told", extra={**line, "error": str(problem)})
        return
    told = sum(tell(connection, news) for connection in waiting[:CROWD])
    logger.info("pages told", extra={**line, "told": told, "waiting": len(waiting)})


def tell(connection: Connection, news: bytes) -> bool:
    """Whether one page was told; forgets the connection when it is over."""
    try:
        wiring.live.post_to_connection(ConnectionId=connection.connection_id, Data=news)
    except ClientError as problem:
        if problem.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            gone(connection)
        else:
            logger.warning("a page was not told", extra={"error": problem.response["Error"]["Code"]})
        return False
    except BotoCoreError as problem:
        logger.warning("a page was not told", extra={"error": type(problem).__name__})
        return False
    return True


def gone(connection: Connection) -> None:
    """Forget it, unless it may be about to open; what cannot be forgotten now is gone at the next news, too."""
    if wiring.now() - connection.opened_at > OPENING:
        with contextlib.suppress(StorageUnavailableError):
            wiring.connections.forget(connection)
