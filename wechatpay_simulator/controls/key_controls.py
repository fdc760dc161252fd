"""GET and POST /_sandbox/keys: which of WeChat Pay's keys sign, for how much of the traffic, and which of the merchant's."""

import math

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wechatpay_simulator.controls.control_request import ControlError, members, told
from wechatpay_simulator.protocol.keys import MODES, Keys
from wechatpay_simulator.protocol.merchant_keys import CERTIFICATES, MerchantKeys

PATH = "/_sandbox/keys"


class KeyControls:
    """A change of keys, as WeChat Pay's console would make it."""

    def __init__(self, keys: Keys, merchant_keys: MerchantKeys) -> None:
        self._keys = keys
        self._merchant_keys = merchant_keys

    def routes(self) -> list[BaseRoute]:
        """One route per method."""
        return [
            Route(PATH, told(self.change), methods=["POST"]),
            Route(PATH, told(self.show), methods=["GET"]),
        ]

    async def change(self, request: Request) -> Response:
        """Change some of `mode`, `percentage`, `seed`, `merchantCertificates`, `apiV3Key`; answers as `show`."""
        body = await members(request, {"mode", "percentage", "seed", "merchantCertificates", "apiV3Key"})
        if "mode" in body and body["mode"] not in MODES:
            raise ControlError(f"mode is one of {', '.join(MODES)}.")
        if "percentage" in body and not _is_percentage(body["percentage"]):
            raise ControlError("percentage is a number from 0 to 100.")
        if "seed" in body and (isinstance(body["seed"], bool) or not isinstance(body["seed"], int)):
            raise ControlError("seed is a whole number.")
        certificates, api_v3_key = body.pop("merchantCertificates", None), body.pop("apiV3Key", None)
        if certificates not in (None, *CERTIFICATES):
            raise ControlError(f"merchantCertificates is one of {', '.join(CERTIFICATES)}.")
        if api_v3_key is not None and not _is_api_v3_key(api_v3_key):
            raise ControlError("apiV3Key is a string of 32 letters and digits.")
        self._keys.change(**body)
        self._merchant_keys.change(certificates=certificates, api_v3_key=api_v3_key)
        return self._shown()

    async def show(self, _request: Request) -> Response:
        """Mode, percentage, seed, what can be verified with, and which merchant certificates are accepted."""
        return self._shown()

    def _shown(self) -> Response:
        return JSONResponse(self._keys.shown() | self._merchant_keys.shown())


def _is_api_v3_key(value: object) -> bool:
    return isinstance(value, str) and len(value) == 32 and value.isascii() and value.isalnum()


def _is_percentage(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= 100
    )
