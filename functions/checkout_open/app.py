"""POST /checkout/{token}/open: have an order of a checkout open for the device that asks, and for no other."""

from functools import partial
from typing import Any

from payments.api.checkouts.address import number_of
from payments.api.checkouts.attempts import order_of
from payments.api.checkouts.devices import device_of, require_own_page
from payments.api.checkouts.view import not_offered, view
from payments.api.http import (
    REQUEST_BUDGET_SECONDS,
    Request,
    operation,
    render_refusal,
    request_of,
    response,
    unforeseen,
)
from payments.api.json_body import load
from payments.api.request_bodies import OpenCheckout
from payments.core.checkouts.rules import WAITING
from payments.core.errors import ApiError, OrderNotFoundError
from payments.core.identifiers import is_checkout
from payments.logs import logger
from payments.use_cases.checkouts.attempting import find_checkout, open_for
from payments.wiring import Wiring

wiring = Wiring(ahead=("checkouts", "store", "wechat", "secrets.checkout_key"))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The checkout's view as it is then; the members are those of a GET, with nothing around them."""
    log_context: dict[str, object] = {}
    wiring.begin(REQUEST_BUDGET_SECONDS)
    try:
        members = opened(request_of(event, log_context))
        logger.info(operation(event), extra=log_context)
        return response(200, members)
    except ApiError as refusal:
        return render_refusal(refusal, event, log_context)
    except Exception as problem:  # noqa: BLE001  the last resort: a buyer never sees a stack trace
        return render_refusal(unforeseen(problem), event, log_context, cause=problem)


def opened(request: Request) -> dict[str, object]:
    """Open, renew, take over, or say how it stands."""
    token = request.path_parameters.get("token", "")
    checkout_id = number_of(token, wiring)
    if not is_checkout(checkout_id):
        raise OrderNotFoundError
    request.log_context["checkout_id"] = checkout_id
    require_own_page(request)
    asked = load(request.body, OpenCheckout)
    device = device_of(request, asked.kind, checkout_id, wiring)
    if not_offered(device, wiring):
        seen = find_checkout(checkout_id, device, wiring)
        if seen.status != WAITING:  # what is open for it from before goes on
            return view(seen, token=token, wiring=wiring)
    seen = open_for(
        checkout_id,
        device,
        take_over=asked.take_over is True,
        order_of=partial(order_of, source_ip=request.source_ip, wiring=wiring),
        wiring=wiring,
    )
    if seen.payment is not None:
        request.log_payment(seen.payment)
    return view(seen, token=token, wiring=wiring)
