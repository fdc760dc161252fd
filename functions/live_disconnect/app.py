"""$disconnect of the live WebSocket API: the connection is forgotten, its used ticket is not."""

from typing import Any

from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.wiring import Wiring

wiring = Wiring(ahead=("connections",))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Best effort, as API Gateway's own call is: what is missed here is noticed at the next news for it."""
    try:
        out_trade_no = wiring.connections.close(str(event["requestContext"]["connectionId"]))
    except StorageUnavailableError as problem:
        logger.warning("not forgotten", extra={"error": str(problem)})
        return {"statusCode": 503}
    logger.info("disconnected", extra={"out_trade_no": out_trade_no} if out_trade_no else {})
    return {"statusCode": 200}
