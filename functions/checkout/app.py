"""GET /checkout/{token} and its files: the page on which an order is paid, open to whoever holds its address."""

from pathlib import Path
from typing import Any

from payments.api import checkout
from payments.api.checkout_page import Page
from payments.api.checkouts.address import number_of
from payments.api.checkouts.devices import device_of
from payments.api.checkouts.page_states import language_of, scene_of
from payments.api.checkouts.view import view as view_of_checkout
from payments.api.http import Request, operation, render_refusal, request_of, response, unforeseen
from payments.core.errors import ApiError, OrderNotFoundError
from payments.core.identifiers import is_checkout
from payments.logs import logger
from payments.use_cases.checkouts.attempting import find_checkout
from payments.wiring import Wiring

PAGE_BUDGET_SECONDS = 6  # a first paint must not wait for WeChat Pay as long as a program would

wiring = Wiring(ahead=("store", "secrets.checkout_key"))
page = Page(Path(__file__).parent / "page")


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The order's public view as a page, or as JSON for whoever asks for that; or one of the page's files."""
    log_context: dict[str, object] = {}
    wiring.begin(PAGE_BUDGET_SECONDS)
    request = request_of({**event, "body": ""}, log_context)  # a page is asked for by its address alone
    is_file = "name" in request.path_parameters
    wants_json = is_file or "application/json" in request.headers.get("accept", "")
    language = language_of(request.query.get("lang"), request.headers.get("accept-language", ""))
    try:
        if is_file:
            return asset(request)
        scene = scene_of(request.headers.get("user-agent", ""))
        view = viewed(request, scene, asked=wants_json and "asked" in request.query)
        logger.info(operation(event), extra=log_context)
        if wants_json:
            return response(200, view, {"vary": "accept, user-agent"})
        back = "returned" in request.query
        return page.render(
            view,
            language=language,
            scene=scene,
            live_url=wiring.settings.live_url,
            returned=back,
            logo=wiring.settings.merchant_logo,
        )
    except ApiError as refusal:
        answer = render_refusal(refusal, event, log_context)
    except Exception as problem:  # noqa: BLE001  the last resort: a buyer never sees a stack trace
        answer = render_refusal(unforeseen(problem), event, log_context, cause=problem)
    if wants_json:
        return answer
    status = answer["statusCode"]
    return page.render_refusal(status, language=language, retry=status >= 500)


def viewed(request: Request, scene: str, *, asked: bool) -> dict[str, object]:
    """The public view of what the address opens: an order, or a checkout, of which nothing is opened or renewed here."""
    token = request.path_parameters.get("token", "")
    number = number_of(token, wiring)
    if is_checkout(number):
        request.log_context["checkout_id"] = number
        device = device_of(request, request.query.get("kind"), number, wiring, looking=True)
        seen = find_checkout(number, device, wiring)
        if asked and seen.payment is not None and not seen.payment.status.is_final:
            checkout.ask_about(seen.payment.out_trade_no, wiring)
            seen = find_checkout(number, device, wiring)
        return view_of_checkout(seen, token=token, wiring=wiring)
    payment = checkout.opened_by(number, scene=scene, wiring=wiring, asked=asked)
    request.log_payment(payment)
    return checkout.view(payment, scene=scene, wiring=wiring)


def asset(request: Request) -> dict[str, Any]:
    """One of the page's files. Raises OrderNotFoundError where there is none."""
    file = page.asset(request.path_parameters["name"])
    if file is None:
        raise OrderNotFoundError
    return file
