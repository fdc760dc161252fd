"""POST /_sandbox/notify: a notification of any kind, as WeChat Pay would send it, without anything that it is about."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.controls.control_request import ControlError, NotPossibleError, members, told
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.notifications.notification import ENCRYPTED, notification
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys

_TEXTS = ("eventType", "originalType", "url", "resourceType", "summary")


class NotifyControls:
    """Complaints, transfers, profit sharing and whatever else reaches a notify_url: signed, encrypted, repeated."""

    def __init__(
        self, *, ledger: Ledger, courier: Courier, merchant_keys: MerchantKeys, clock: Timepiece
    ) -> None:
        self._ledger = ledger
        self._courier = courier
        self._merchant_keys = merchant_keys
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """One route."""
        return [Route("/_sandbox/notify", told(self.notify), methods=["POST"])]

    async def notify(self, request: Request) -> Response:
        """Send it, to `url` or to the notify_url of the newest order; answers with its `notification_id`.

        `plaintext` is the object that is encrypted, or a text that is sent as it is. Without an `originalType` the resource
        has none, as WeChat Pay's own example of a complaint.
        """
        body = await members(request, {*_TEXTS, "plaintext", "associatedData"})
        _check(body)
        sent = notification(
            event_type=body["eventType"],
            summary=body.get("summary", body["eventType"]),
            original_type=body.get("originalType"),
            plaintext=body["plaintext"],
            url=body.get("url") or self._newest_notify_url(),
            api_v3_key=self._merchant_keys.api_v3_key,
            now=self._clock.time(),
            resource_type=body.get("resourceType", ENCRYPTED),
            associated_data=body.get("associatedData"),
        )
        self._courier.send(sent)
        return JSONResponse({"notification_id": sent.id})

    def _newest_notify_url(self) -> str:
        orders = self._ledger.orders()
        if not orders:
            raise NotPossibleError(
                409, "NO_NOTIFY_URL", "There is no order yet whose notify_url it could be: say url."
            )
        return str(orders[-1].request["notify_url"])


def _check(body: dict[str, Any]) -> None:
    for name in _TEXTS:
        if name in body and not (isinstance(body[name], str) and body[name]):
            raise ControlError(f"{name} is a string that is not empty.")
    for name in ("eventType", "plaintext"):
        if name not in body:
            raise ControlError(f"{name} is missing.")
    if not isinstance(body["plaintext"], dict | str):
        raise ControlError("plaintext is an object, or a string that is sent as it is.")
    if not isinstance(body.get("associatedData", ""), str):
        raise ControlError("associatedData is a string.")
