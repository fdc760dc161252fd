"""What device asks for a checkout: its kind, by what it says or by its user agent, and who is there."""

import re

from payments.api.checkouts.page_states import scene_of
from payments.api.h5 import client_address
from payments.api.h5.scene_info import type_of
from payments.api.http import Request
from payments.core import identifiers
from payments.core.checkouts.checkout import H5, JSAPI, KINDS, NATIVE, Device
from payments.core.errors import NotAllowedError
from payments.wiring import Wiring

COOKIE = "checkout_device"
_KIND_OF_SCENE = {"wechat": JSAPI, "phone": H5, "desktop": NATIVE}
_COOKIE = re.compile(r"[A-Z2-7]{26,64}")


def device_of(
    request: Request, kind: str | None, checkout_id: str, wiring: Wiring, *, looking: bool = False
) -> Device:
    """The device that asks: of the `kind` that it says, else of the one that its user agent looks like.

    Raises the errors of `client_address.address_of` for a phone's browser; one that is only `looking` may come from anywhere.
    """
    if kind not in KINDS:
        kind = _KIND_OF_SCENE[scene_of(request.headers.get("user-agent", ""))]
    cookie = cookie_of(request)
    return Device(
        kind,
        client_address=_address(request, wiring, looking=looking) if kind == H5 else None,
        h5_type=type_of(request.headers.get("user-agent", "")),
        visit=identifiers.visit_key(checkout_id, cookie) if kind == JSAPI and cookie is not None else None,
    )


def _address(request: Request, wiring: Wiring, *, looking: bool) -> str | None:
    try:
        return client_address.address_of(request, wiring)
    except NotAllowedError:
        if looking:
            return None
        raise


def cookie_of(request: Request) -> str | None:
    """The value that this browser keeps for its checkouts, a random one of ours; None where it has none."""
    value = request.cookies.get(COOKIE, "")
    return value if _COOKIE.fullmatch(value) else None


def require_own_page(request: Request) -> None:
    """Refuse what a browser says another site has sent, and what a form could send. Raises NotAllowedError.

    Source: Fetch Metadata Request Headers, Sec-Fetch-Site; Fetch, "CORS-safelisted request-header".
    """
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise NotAllowedError("Only the checkout's own page opens it.")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise NotAllowedError(
            "Content-Type must be application/json.",
            details={"field": "Content-Type", "issue": "must be application/json"},
        )
