"""POST /api/v1/payments/wechat/openid: a code that WeChat gave a page or a mini program, for its reader's openid."""

from payments.api.http import Request, endpoint
from payments.api.openids.body import load_wanted
from payments.core.access import CHARGE, PAY
from payments.use_cases.openids.exchanging import exchange
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The openid alone: tokens and the session key, which come with it, are dropped where they arrive."""
    caller = request.caller.with_one_of(PAY, CHARGE)
    settings = wiring.settings
    wanted = load_wanted(request.body, apps=settings.apps)
    app = wanted.app or settings.default_app
    request.log_context["app"] = app
    buyer = None if caller.may_charge else caller.sub
    return {"openid": exchange(wanted.code, app, buyer=buyer, wiring=wiring)}


lambda_handler = endpoint(answer, ahead=("allowances", "secrets.apps", "open_platform"))
