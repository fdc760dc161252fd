"""POST /_sandbox/refund: how a refund ends."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wechatpay_simulator.controls.control_request import ControlError, members, told
from wechatpay_simulator.refunds.refund import RefundStatus
from wechatpay_simulator.refunds.refund_ledger import RefundLedger
from wechatpay_simulator.refunds.refund_shapes import refund_object

# WeChat Pay APIv3, Query refund: channel, funds_account; with their names in an Arrival.
_ARRIVALS = {
    "channel": ("channel", ("ORIGINAL", "BALANCE", "OTHER_BALANCE", "OTHER_BANKCARD")),
    "fundsAccount": (
        "funds_account",
        ("UNSETTLED", "AVAILABLE", "UNAVAILABLE", "OPERATION", "BASIC", "ECNY_BASIC"),
    ),
}
_ENDS = (RefundStatus.SUCCESS, RefundStatus.CLOSED, RefundStatus.ABNORMAL)


class RefundControls:
    """What the bank would do to a refund."""

    def __init__(self, refund_ledger: RefundLedger) -> None:
        self._refund_ledger = refund_ledger

    def routes(self) -> list[Route]:
        """The route of the control."""
        return [Route("/_sandbox/refund", told(self.refund), methods=["POST"])]

    async def refund(self, request: Request) -> Response:
        """The refund ends as `status`, and where it is said there; the notification goes out at once."""
        body = await members(request, {"outRefundNo", "status", "userReceivedAccount", *_ARRIVALS})
        out_refund_no, status = body.get("outRefundNo"), body.get("status")
        if not isinstance(out_refund_no, str) or not out_refund_no:
            raise ControlError("outRefundNo is a string that is not empty.")
        if status not in _ENDS:
            raise ControlError(f"status is one of {', '.join(_ENDS)}.")
        arrival: dict[str, str] = {}
        for member, (name, words) in _ARRIVALS.items():
            if member in body:
                if body[member] not in words:
                    raise ControlError(f"{member} is one of {', '.join(words)}.")
                arrival[name] = body[member]
        if "userReceivedAccount" in body:
            account = body["userReceivedAccount"]
            if not isinstance(account, str) or not 0 < len(account) <= 64:
                raise ControlError("userReceivedAccount is a string of 1 to 64 characters.")
            arrival["received_by"] = account
        refund = self._refund_ledger.end(out_refund_no, RefundStatus(status), **arrival)
        return JSONResponse(refund_object(refund))
