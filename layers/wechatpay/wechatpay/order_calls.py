"""The four ways to create an order; each answers with what the buyer pays by.

Source: WeChat Pay APIv3, "Native order", "JSAPI order", "H5 order" and "App order".
"""

from abc import ABC, abstractmethod

from wechatpay.answers import Answer
from wechatpay.errors import UnknownOutcomeError


class OrderCalls(ABC):
    """`request` is the complete JSON body of the order; the same bytes again are the same order, and a fresh way to pay it.

    One `out_trade_no` cannot be ordered in two of the ways. Each call raises what every operation of `Client` does;
    UnknownOutcomeError also for an answer without what the buyer pays by.
    """

    @abstractmethod
    def request(
        self, operation: str, method: str, path_and_query: str, body: bytes = b"", serial: str | None = None
    ) -> Answer:
        """See `Client.request`."""

    def order_native(self, request: bytes) -> str:
        """Create, or repeat unchanged, a Native order. Returns its code_url, good for two hours."""
        return self._ordered("native", request, "code_url", "weixin://")

    def order_jsapi(self, request: bytes) -> str:
        """Create, or repeat unchanged, a JSAPI order (in-WeChat page, mini program). Returns its prepay_id, good for two hours."""
        return self._ordered("jsapi", request, "prepay_id")

    def order_h5(self, request: bytes) -> str:
        """Create, or repeat unchanged, an H5 order (phone browser outside WeChat). Returns its h5_url, good for five minutes.

        `scene_info` with the buyer's own address and the kind of scene is required; WeChat Pay's page compares the address.
        """
        return self._ordered("h5", request, "h5_url", "https://", "http://")

    def order_app(self, request: bytes) -> str:
        """Create, or repeat unchanged, an order for the merchant's own app. Returns its prepay_id, good for two hours.

        `MerchantSigner.app_params` makes of it what the app hands to WeChat.
        """
        return self._ordered("app", request, "prepay_id")

    def _ordered(self, way: str, request: bytes, member: str, *beginnings: str) -> str:
        answer = self.request(way, "POST", f"/v3/pay/transactions/{way}", request)
        value = answer.members.get(member)
        if not isinstance(value, str) or not value or not value.startswith(beginnings or ""):
            raise UnknownOutcomeError(
                f"the answer has no {member}", http_status=200, request_id=answer.request_id
            )
        return value
