"""The unsigned controls under /_sandbox/: play the buyer, read the ledger, see the notifications, move the clock."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wechatpay_simulator.cashier.call_up import CallUp
from wechatpay_simulator.cashier.h5_checks import H5Checks
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.controls.control_request import ControlError, failure, members, told
from wechatpay_simulator.controls.means_control import MEMBERS, means_of
from wechatpay_simulator.controls.visit_control import VISIT, visit_of
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.notifications.deliveries import Delivery
from wechatpay_simulator.orders.h5_link import link_query
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.paying import Paying
from wechatpay_simulator.orders.transaction import ledger_entry, transaction
from wechatpay_simulator.refunds.refund_ledger import RefundLedger

_TEXTS = {"codeUrl", "prepayId", "h5Url", "outTradeNo", "openid"}
_NAMES_OF_ORDER = {*_TEXTS, "payment"} - {"openid"}
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
        paying: Paying,
        h5_checks: H5Checks,
        call_up: CallUp,
    ) -> None:
        self._ledger = ledger
        self._refund_ledger = refund_ledger
        self._courier = courier
        self._clock = clock
        self._paying = paying
        self._h5_checks = h5_checks
        self._call_up = call_up

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
        return JSONResponse(ledger_entry(self._ledger.by_credential(code_url), (), origin=_origin(request)))

    async def pay(self, request: Request) -> Response:
        """The buyer pays by what the merchant gave them, or by `outTradeNo`; the notification goes out at once."""
        body = await members(request, {*_TEXTS, "payment", *VISIT, *MEMBERS})
        means = means_of(body)
        named = body.keys() & _NAMES_OF_ORDER
        if not all(isinstance(body[name], str) and body[name] for name in body.keys() & _TEXTS):
            raise ControlError(f"{', '.join(sorted(_TEXTS))} are strings that are not empty.")
        if len(named) != 1:
            raise ControlError("Say exactly one of codeUrl, prepayId, payment, h5Url and outTradeNo.")
        if "openid" in body and not _OPENID.fullmatch(body["openid"]):
            raise ControlError("An openid is 1 to 128 letters, digits, hyphens and underscores.")
        credential = body.get("codeUrl") or body.get("prepayId")
        if "h5Url" in body:
            self._h5_checks.passed(body["h5Url"], visit_of(body, self._h5_checks.usual_visit(body["h5Url"])))
            credential = link_query(body["h5Url"])[0]
        elif "payment" in body:
            if not isinstance(body["payment"], dict):
                raise ControlError("payment is the object that WeChat is called up with.")
            credential = self._call_up.prepay_id(body["payment"])
        if "h5Url" not in body and (visit := sorted(body.keys() & VISIT)):
            raise ControlError(f"{visit[0]} is of whoever opens an h5Url.")
        order, notification_id = self._paying.pay(
            credential=credential,
            out_trade_no=body.get("outTradeNo"),
            openid=body.get("openid"),
            means=means,
        )
        return JSONResponse(transaction(order) | {"notification_id": notification_id})

    async def orders(self, request: Request) -> Response:
        """The ledger, oldest order first."""
        entries = [
            ledger_entry(order, self._refund_ledger.of(order.out_trade_no), origin=_origin(request))
            for order in self._ledger.orders()
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


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")


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
