"""The peer's HTTP: Powertools' resolver with validation, its logger, its errors."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError

logger = Logger()
app = APIGatewayHttpResolver(enable_validation=True)
PATH = "/api/v1/payments/wechat"


def caller(*scopes):
    """The caller's `sub`, and whether it may see other people's orders."""
    claims = app.current_event.request_context.authorizer.jwt_claim
    held = claims["scope"].split()
    if not any(scope in held for scope in scopes):
        raise ServiceError(403, "NOAUTH")
    logger.append_keys(caller=claims["sub"])
    return claims["sub"], "payments:charge" in held or "payments:refund" in held


def visible(item, sub, all_orders):
    """The item, where the caller may see it."""
    if item is None or not (all_orders or item["user_id"] == sub):
        raise NotFoundError("ORDER_NOT_FOUND")
    logger.append_keys(out_trade_no=item["out_trade_no"], status=item["status"])
    return item
