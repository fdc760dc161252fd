"""POST, GET and DELETE /_sandbox/faults: what is to go wrong from now on."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wechatpay_simulator.controls.control_request import ControlError, members, told
from wechatpay_simulator.faults.fault_rule import RuleError, parsed_rule
from wechatpay_simulator.faults.faults import Faults

PATH = "/_sandbox/faults"


class FaultControls:
    """Rules are added all together or, when one of them is wrong, not at all."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """One route per method."""
        return [
            Route(PATH, told(self.add), methods=["POST"]),
            Route(PATH, told(self.show), methods=["GET"]),
            Route(PATH, told(self.clear), methods=["DELETE"]),
        ]

    async def add(self, request: Request) -> Response:
        """Put rules behind those that stand; answers with all of them."""
        body = await members(request, {"seed", "rules"})
        rules, seed = body.get("rules"), body.get("seed")
        if not isinstance(rules, list):
            raise ControlError("rules is a list of rules.")
        if "seed" in body and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ControlError("seed is a whole number.")
        try:
            read = [parsed_rule(rule, f"rules[{place}]") for place, rule in enumerate(rules)]
        except RuleError as error:
            raise ControlError(str(error)) from None
        self._faults.add(read, seed=seed)
        return JSONResponse(self._faults.shown())

    async def show(self, _request: Request) -> Response:
        """The seed, and the rules with their counts."""
        return JSONResponse(self._faults.shown())

    async def clear(self, _request: Request) -> Response:
        """Everything works again; answers with no rules."""
        self._faults.clear()
        return JSONResponse(self._faults.shown())
