"""/_sandbox/bills: what is planted in a day's bill; /_sandbox/console_refund: a refund that the merchant's console makes."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wechatpay_simulator.bills.bill_changes import parsed_change
from wechatpay_simulator.bills.statements import COLUMNS, Statements
from wechatpay_simulator.controls.control_request import ControlError, NotPossibleError, members, told
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.protocol.refusals import Refusal
from wechatpay_simulator.refunds.refund_ledger import RefundLedger
from wechatpay_simulator.refunds.refund_shapes import refund_object

_FORM = {"byteOrderMark": "byte_order_mark", "crlf": "crlf", "oldLayout": "old_layout"}


class BillControls:
    """What a test does to bills, and what somebody does in the merchant console."""

    def __init__(self, statements: Statements, ledger: Ledger, refund_ledger: RefundLedger) -> None:
        self._statements = statements
        self._ledger = ledger
        self._refund_ledger = refund_ledger

    def routes(self) -> list[Route]:
        """One route per control and method."""
        return [
            Route("/_sandbox/bills", told(self.show), methods=["GET"]),
            Route("/_sandbox/bills", told(self.change), methods=["POST"]),
            Route("/_sandbox/bills", told(self.clear), methods=["DELETE"]),
            Route("/_sandbox/console_refund", told(self.refund), methods=["POST"]),
        ]

    async def show(self, _request: Request) -> Response:
        """How bills are written, and all that is planted."""
        form = self._statements.form
        planted = [
            {"date": day.isoformat(), "bill": kind, "changes": [change.document() for change in changes]}
            for (kind, day), changes in self._statements.changes().items()
        ]
        return JSONResponse(
            {member: getattr(form, name) for member, name in _FORM.items()} | {"planted": planted}
        )

    async def change(self, request: Request) -> Response:
        """Plant changes in the bill of a day, or write all bills differently; answers with what there is then."""
        body = await members(request, {"date", "bill", "changes", *_FORM})
        form = replace(self._statements.form, **_form(body))
        if body.keys() & {"date", "bill", "changes"}:
            kind, day = body.get("bill"), _day(body.get("date"))
            if kind not in COLUMNS:
                raise ControlError(f"bill is one of {', '.join(COLUMNS)}.")
            changes = body.get("changes")
            if not isinstance(changes, list) or not changes:
                raise ControlError("changes is a list that is not empty.")
            self._statements.change(
                kind,
                day,
                [
                    parsed_change(each, f"changes[{place}]", COLUMNS[kind])
                    for place, each in enumerate(changes)
                ],
            )
        self._statements.form = form
        return await self.show(request)

    async def clear(self, request: Request) -> Response:
        """Nothing is planted any more; answers as `show`."""
        self._statements.unchange()
        return await self.show(request)

    async def refund(self, request: Request) -> Response:
        """Somebody refunds `amount` fen of a paid order in the console, under a number that WeChat Pay makes up."""
        body = await members(request, {"outTradeNo", "amount"})
        out_trade_no, amount = body.get("outTradeNo"), body.get("amount")
        if not isinstance(out_trade_no, str) or not out_trade_no:
            raise ControlError("outTradeNo is a string that is not empty.")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            raise ControlError("amount is a whole number of fen, 1 or more.")
        try:
            order = self._ledger.by_out_trade_no(out_trade_no)
            made = self._refund_ledger.accept(
                {
                    "out_trade_no": out_trade_no,
                    "out_refund_no": f"console{secrets.token_hex(12)}",
                    "notify_url": order.request["notify_url"],
                    "amount": {"refund": amount, "total": order.total, "currency": "CNY"},
                }
            )
        except Refusal as refusal:
            raise NotPossibleError(409, str(refusal.body["code"]), str(refusal.body["message"])) from None
        return JSONResponse(refund_object(made))


def _form(body: Mapping[str, Any]) -> dict[str, bool]:
    for member in body.keys() & _FORM:
        if not isinstance(body[member], bool):
            raise ControlError(f"{member} is true or false.")
    return {name: body[member] for member, name in _FORM.items() if member in body}


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ControlError("date is a Beijing day, as 2026-11-28.") from None
