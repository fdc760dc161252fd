"""$connect of the live WebSocket API: a page with a ticket waits for news of one order.

The page opens `new WebSocket(url, ["live", ticket])`: a ticket in the address would lie in every log on the way.
"""

from collections.abc import Mapping
from typing import Any

from payments.api.http import unforeseen
from payments.api.tokens import TicketError, ticket_of
from payments.core.errors import RefusedUpdate
from payments.logs import logger
from payments.storage.connections import Connection
from payments.wiring import Wiring

PROTOCOL = "live"

wiring = Wiring(ahead=("connections", "secrets.checkout_key"))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """200 opens the connection; 401 without a ticket of ours that is still good, 403 when it was used before."""
    log_context: dict[str, object] = {}
    try:
        connect(event, log_context)
    except TicketError as refusal:
        return refuse(401, log_context, str(refusal))
    except RefusedUpdate:
        return refuse(403, log_context, "its ticket was used before")
    except Exception as problem:  # noqa: BLE001  a page that is refused looks by itself; nobody sees a stack trace
        known = unforeseen(problem)
        logger.error("not connected", extra={**log_context, "error": known.code}, exc_info=problem)
        return {"statusCode": known.status}
    logger.info("connected", extra=log_context)
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL}}


def connect(event: Mapping[str, Any], log_context: dict[str, object]) -> None:
    """Use the ticket up. Raises TicketError, RefusedUpdate."""
    now = wiring.now()
    ticket = ticket_of(offered_ticket(event), keys=wiring.secrets.checkout_key.value(), now=now)
    log_context["out_trade_no"] = ticket.out_trade_no
    connection_id = str(event["requestContext"]["connectionId"])
    wiring.connections.open(Connection(ticket.out_trade_no, ticket.ticket_id, connection_id, int(now)))


def offered_ticket(event: Mapping[str, Any]) -> str:
    """The ticket: the second of exactly two protocols that the page offers. Raises TicketError."""
    headers = event.get("multiValueHeaders") or {}
    lines = [line for name in headers if name.lower() == "sec-websocket-protocol" for line in headers[name]]
    protocols = [protocol.strip() for line in lines for protocol in line.split(",")]
    if len(protocols) != 2 or protocols[0] != PROTOCOL:
        raise TicketError("no ticket")
    return str(protocols[1])


def refuse(status: int, log_context: Mapping[str, object], reason: str) -> dict[str, Any]:
    """API Gateway hands the status on to the browser, which shows it to no script."""
    logger.info("not connected", extra={**log_context, "http_status": status, "reason": reason})
    return {"statusCode": status}
