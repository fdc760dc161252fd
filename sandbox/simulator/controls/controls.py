"""The unsigned controls under /_sandbox/: play the buyer, read the ledger, see the notifications, move the clock."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.simulator.clock import Timepiece
from sandbox.simulator.controls.control_request import ControlError, failure, members, told
from sandbox.simulator.controls.means_control import MEMBERS, means_of
from sandbox.simulator.notifications.courier import Courier, Delivery
from sandbox.simulator.notifications.notification import payment_notification
from sandbox.simulator.orders.ledger import Ledger
from sandbox.simulator.orders.transaction import ledger_entry, transaction
from sandbox.simulator.protocol.merchant_keys import MerchantKeys
from sandbox.simulator.refunds.refund_ledger import RefundLedger

_NAMES_OF_ORDER = {"codeUrl", "prepayId", "outTradeNo"}
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,128}")


class Controls:
    """What a test, a demo or a phone page does to the simulator from outside."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        refund_ledger: RefundLedger,
        courier: Courier,
        clock: Timepiece,
        merchant_keys: MerchantKeys,
    ) -> None:
        self._ledger = ledger
        self._refund_ledger = refund_ledger
        self._courier = courier
        self._clock = clock
        self._merchant_keys = merchant_keys

    def app(self, more: Iterable[BaseRoute] = ()) -> Starlette:
        """The ASGI application with one route per control, and `more` routes of other controls."""
        return Starlette(
            routes=[
                Route("/_sandbox/scan", told(self.scan), methods=["POST"]),
                Route("/_sandbox/pay", told(self.pay), methods=["POST"]),
                Route("/_sandbox/orders", told(self.orders), methods=["GET"]),
                Route("/_sandbox/notifications", told(self.notifications), methods=["GET"]),
                Route("/_sandbox/notifications/{id}", told(self.send_again), methods=["POST"]),
                Route("/_sandbox/clock", told(self.advance), methods=["POST"]),
                *more,
            ]
        )

    async def scan(self, request: Request) -> Response:
        """What the buyer's WeChat shows of a code (`codeUrl`) before anything is paid: the order as the ledger has it."""
        code_url = (await members(request, {"codeUrl"})).get("codeUrl")
        if not isinstance(code_url, str) or not code_url:
            raise ControlError("codeUrl is a string that is not empty.")
        return JSONResponse(ledger_entry(self._ledger.by_credential(code_url), ()))

    async def pay(self, request: Request) -> Response:
        """The buyer pays by `codeUrl`, `prepayId` or `outTradeNo`; the notification goes out at once."""
        body = await members(request, {*_NAMES_OF_ORDER, "openid", *MEMBERS})
        means = means_of(body)
        body = {name: value for name, value in body.items() if name not in MEMBERS}
        if not all(isinstance(value, str) and value for value in body.values()):
            raise ControlError("codeUrl, prepayId, outTradeNo and openid are strings that are not empty.")
        if len(body.keys() & _NAMES_OF_ORDER) != 1:
            raise ControlError("Say exactly one of codeUrl, prepayId and outTradeNo.")
        if "openid" in body and not _OPENID.fullmatch(body["openid"]):
            raise ControlError("An openid is 1 to 128 letters, digits, hyphens and underscores.")
        order = self._ledger.pay(
            credential=body.get("codeUrl") or body.get("prepayId"),
            out_trade_no=body.get("outTradeNo"),
            openid=body.get("openid"),
            means=means,
        )
        key = self._merchant_keys.api_v3_key
        notification = payment_notification(order, api_v3_key=key, now=self._clock.time())
        self._courier.send(notification)
        return JSONResponse(transaction(order) | {"notification_id": notification.id})

    async def orders(self, _request: Request) -> Response:
        """The ledger, oldest order first."""
        entries = [
            ledger_entry(order, self._refund_ledger.of(order.out_trade_no)) for order in self._ledger.orders()
        ]
        return JSONResponse({"orders": entries})

    async def notifications(self, _request: Request) -> Response:
        """Every delivery so far, in order: retries of one notification share its id."""
        return JSONResponse({"notifications": [_entry(each) for each in self._courier.deliveries()]})

    async def send_again(self, request: Request) -> Response:
        """Deliver the notification once more, now and newly signed; answers with that delivery when it has ended."""
        try:
            delivery = await asyncio.to_thread(self._courier.send_again, request.path_params["id"])
        except KeyError:
            return failure(404, "NOTIFICATION_NOT_FOUND", "There is no notification of this id.")
        return JSONResponse(_entry(delivery))

    async def advance(self, request: Request) -> Response:
        """Move the clock forward by so many seconds; answers with the new time, seconds since the epoch."""
        seconds = (await members(request, {"advance"})).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ControlError("advance is a number of seconds.")
        try:
            self._clock.advance(float(seconds))
        except (ValueError, OverflowError) as error:
            raise ControlError(f"The clock does not move so: {error}.") from None
        self._refund_ledger.settle()
        self._courier.wake()
        return JSONResponse({"now": self._clock.time()})


def _entry(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.notification.id,
        "event_type": delivery.notification.event_type,
        "url": delivery.notification.url,
        "headers": delivery.headers,
        "body": delivery.notification.body.decode(),
        "status": delivery.status,
        "at": round(delivery.at, 3),
    }
