"""A buyer pays, and the merchant is told."""

from typing import Any

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.notifications.notification import payment_notification
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys


class Paying:
    """The one way in which an order becomes paid, whoever plays the buyer."""

    def __init__(
        self, *, ledger: Ledger, courier: Courier, clock: Timepiece, merchant_keys: MerchantKeys
    ) -> None:
        self._ledger = ledger
        self._courier = courier
        self._clock = clock
        self._merchant_keys = merchant_keys

    def pay(self, **how: Any) -> tuple[Order, str]:
        """The paid order and the id of its notification, which goes out at once. Takes and raises what Ledger.pay does."""
        order = self._ledger.pay(**how)
        key = self._merchant_keys.api_v3_key
        notification = payment_notification(order, api_v3_key=key, now=self._clock.time())
        self._courier.send(notification)
        return order, notification.id
