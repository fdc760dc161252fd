"""GET and POST /_sandbox/keys: which of WeChat Pay's keys sign, and for how much of the traffic."""

import math

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.simulator.control_request import ControlError, members, told
from sandbox.simulator.keys import MODES, Keys

PATH = "/_sandbox/keys"


class KeyControls:
    """A change of keys, as WeChat Pay's console would make it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """One route per method."""
        return [
            Route(PATH, told(self.change), methods=["POST"]),
            Route(PATH, told(self.show), methods=["GET"]),
        ]

    async def change(self, request: Request) -> Response:
        """Change `mode`, `percentage` or `seed`, or several; answers with how things are signed now."""
        body = await members(request, {"mode", "percentage", "seed"})
        if "mode" in body and body["mode"] not in MODES:
            raise ControlError(f"mode is one of {', '.join(MODES)}.")
        if "percentage" in body and not _is_percentage(body["percentage"]):
            raise ControlError("percentage is a number from 0 to 100.")
        if "seed" in body and (isinstance(body["seed"], bool) or not isinstance(body["seed"], int)):
            raise ControlError("seed is a whole number.")
        self._keys.change(**body)
        return JSONResponse(self._keys.shown())

    async def show(self, _request: Request) -> Response:
        """Mode, percentage, seed, and what can be verified with."""
        return JSONResponse(self._keys.shown())


def _is_percentage(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= 100
    )
