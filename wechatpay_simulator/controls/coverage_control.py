"""GET /_sandbox/coverage: which calls, fields, refusals, rates and notifications of WeChat Pay's the simulator knows."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wechatpay_simulator.controls.control_request import told
from wechatpay_simulator.coverage.known_refusals import known_refusals
from wechatpay_simulator.coverage.shown_rule import shown_rule, shown_rules
from wechatpay_simulator.protocol.call import Endpoint
from wechatpay_simulator.protocol.rates import RATES
from wechatpay_simulator.triggering.kinds import KINDS


class CoverageControl:
    """Tells by the very endpoints that the gateway routes to, and the rules that they check."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)

    def routes(self) -> list[BaseRoute]:
        """One route."""
        return [Route("/_sandbox/coverage", told(self.coverage), methods=["GET"])]

    async def coverage(self, _request: Request) -> Response:
        """`endpoints` with the rules of their fields, `refusals`, `rates`, and the kinds of `notifications` that can be triggered."""
        return JSONResponse(
            {
                "endpoints": [_shown(each) for each in self._endpoints],
                "refusals": known_refusals(),
                "rates": [asdict(rate) for rate in RATES],
                "notifications": [
                    {"event_type": kind.event_type, "original_type": kind.original_type} for kind in KINDS
                ],
            }
        )


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "method": endpoint.method,
        "path": re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", endpoint.path.pattern),
        "fields": {
            "path": shown_rules(endpoint.fields.path),
            "query": shown_rules(endpoint.fields.query),
            "body": shown_rule(endpoint.fields.body)["members"],
        },
    }
