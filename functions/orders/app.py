"""GET /api/v1/payments/wechat/orders: orders of a day, of days, of a user or of a content, page by page."""

from payments.api.books.cursors import cursor_at
from payments.api.books.order_query import order_listing
from payments.api.books.order_rows import order_members
from payments.api.http import Request, endpoint
from payments.use_cases.books.listing import list_orders
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """One page, the newest orders first; `cursor` as long as there is, or may be, another one."""
    query, after, limit = order_listing(request)
    orders, goes_on = list_orders(query, after, limit, wiring)
    request.log_context["orders"] = len(orders)
    members: dict[str, object] = {"orders": [order_members(row) for row in orders]}
    return members if goes_on is None else members | {"cursor": cursor_at(goes_on, query)}


lambda_handler = endpoint(answer, ahead=("journal",))
