"""What WeChat Pay is told of an H5 order's buyer: the address, and the kind of browser."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from payments.api.callers import Caller
from payments.api.h5 import client_address
from payments.api.http import Request
from payments.core.errors import NotAllowedError, ParameterError
from payments.wiring import Wiring

if TYPE_CHECKING:  # the page has no body to read
    from payments.api.request_bodies import NewH5Order


def scene_info_for(
    request: Request, wiring: Wiring
) -> Callable[[Caller, "NewH5Order"], Mapping[str, object]]:
    """What makes `scene_info` of an order (WeChat Pay APIv3, "H5 order"): the buyer's own address, and the kind of browser.

    A backend says whose browser it is for; a buyer's own is looked at, and must not be talked about. Raises NotAllowedError,
    ParameterError, and the errors of `client_address.address_of`.
    """

    def scene_info(caller: Caller, order: "NewH5Order") -> Mapping[str, object]:
        kind = order.h5_type or type_of(request.headers.get("user-agent", ""))
        return {"payer_client_ip": _address(request, caller, order, wiring), "h5_info": {"type": kind}}

    return scene_info


def type_of(user_agent: str) -> str:
    """`h5_info.type` by the browser's own name: iOS, Android, or Wap for any other."""
    if "iPhone" in user_agent or "iPad" in user_agent:
        return "iOS"
    return "Android" if "Android" in user_agent else "Wap"


def _address(request: Request, caller: Caller, order: "NewH5Order", wiring: Wiring) -> str:
    if caller.may_charge:
        if order.client_ip is None:
            raise ParameterError("clientIp", "is required: the buyer's own address, as your server sees it")
        return client_address.checked(order.client_ip)
    if order.client_ip is not None:
        issue = "is a backend's to say; a buyer's own is seen"
        raise NotAllowedError(f"clientIp {issue}.", details={"field": "clientIp", "issue": issue})
    return client_address.address_of(request, wiring)
