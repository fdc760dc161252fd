"""GET /checkout/{token}/wechat: a browser within WeChat goes to WeChat, and comes back with who its buyer is."""

from typing import Any

from payments.api.checkouts.address import number_of
from payments.api.checkouts.devices import cookie_of
from payments.api.checkouts.page_states import scene_of
from payments.api.http import (
    REQUEST_BUDGET_SECONDS,
    Request,
    operation,
    render_refusal,
    request_of,
    unforeseen,
)
from payments.api.means import CHECKOUT_PATH
from payments.api.openids import redirects
from payments.core import identifiers
from payments.core.errors import ApiError, OrderNotFoundError
from payments.logs import logger
from payments.use_cases.openids.visiting import begin_visit, end_visit
from payments.wiring import Wiring

wiring = Wiring(
    ahead=("visits", "checkouts", "allowances", "secrets.checkout_key", "secrets.apps", "open_platform")
)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """302: to WeChat first, afterwards to the page, whatever came of it. Only an address that opens nothing is 404.

    The page says how it stands, and goes this way by itself once, so nothing that goes wrong here can go round in circles.
    """
    log_context: dict[str, object] = {}
    wiring.begin(REQUEST_BUDGET_SECONDS)
    request = request_of({**event, "body": ""}, log_context)
    token = request.path_parameters.get("token", "")
    try:
        answer = led_on(request, token)
    except OrderNotFoundError as refusal:
        return render_refusal(refusal, event, log_context)
    except ApiError as refusal:
        render_refusal(refusal, event, log_context)  # for the log
    except Exception as problem:  # noqa: BLE001  the last resort: a buyer never sees a stack trace
        render_refusal(unforeseen(problem), event, log_context, cause=problem)
    else:
        logger.info(operation(event), extra=log_context)
        return answer
    return redirects.to_page(token)


def led_on(request: Request, token: str) -> dict[str, Any]:
    """To WeChat; or, with what WeChat has sent along, to the page. Raises what `visiting` does."""
    checkout_id = number_of(token, wiring)
    if not identifiers.is_checkout(checkout_id):
        raise OrderNotFoundError
    request.log_context["checkout_id"] = checkout_id
    if "code" in request.query or "state" in request.query:
        request.log_context["identified"] = returned(request, checkout_id)
        return redirects.to_page(token)
    if scene_of(request.headers.get("user-agent", "")) != "wechat":
        # WeChat would show them that it is not there; and nobody else is to be asked.
        return redirects.to_page(token)
    cookie = cookie_of(request) or identifiers.random_number("", wiring.entropy())
    question = begin_visit(checkout_id, cookie, wiring)
    if question is None:
        return redirects.to_page(token)
    return redirects.to_wechat(
        wiring.settings.authorize_origin,
        appid=question.appid,
        nonce=question.nonce,
        back=f"{wiring.settings.public_url}{CHECKOUT_PATH}{token}/wechat",
        cookie=cookie,
    )


def returned(request: Request, checkout_id: str) -> bool:
    """Whether this browser's buyer is known now: it was awaited, here and with this nonce."""
    cookie, code, nonce = cookie_of(request), request.query.get("code", ""), request.query.get("state", "")
    if cookie is None or not redirects.usable(code, nonce):
        return False
    return end_visit(checkout_id, cookie, code=code, nonce=nonce, wiring=wiring)
