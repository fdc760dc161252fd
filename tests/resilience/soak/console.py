"""The merchant console: refunds that are not ours, under numbers of their own, told to our notify URL."""

import contextlib
import json
import secrets

from tests.resilience.soak.courier import CONSOLE
from tests.resilience.soak.window import Window
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner


class Console:
    """One merchant's."""

    def __init__(self, window: Window) -> None:
        mine = window.credentials
        signer = MerchantSigner(
            mine.mchid, mine.merchant_serial_no, load_private_key(mine.merchant_private_key)
        )
        self._window = window
        self._made = 0
        self._client = Client(
            signer=lambda: signer,
            keys=KeyRing.of(public_key_id=mine.wechat_public_key_id, public_key=mine.wechat_public_key),
            gateways=[window.url],
            clock=window.clock.time,
            nonce=lambda: secrets.token_hex(16),
        )

    def refund(self, description: str, amount: int) -> None:
        """Pay back `amount` (fen) of the paid order of this description; whoever is refused does not try again."""
        (book,) = [order for order in self._window.orders() if order["description"] == description]
        self._made += 1
        request = {
            "transaction_id": book["transaction_id"],
            "out_refund_no": f"{CONSOLE}{self._made}",
            "notify_url": book["notify_url"],
            "amount": {"refund": amount, "total": book["amount"]["total"], "currency": "CNY"},
        }
        with contextlib.suppress(RefusedError, UnknownOutcomeError):
            self._client.refund(json.dumps(request).encode())
        self._window.refund_sent()
