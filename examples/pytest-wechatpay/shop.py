"""A shop that takes WeChat Pay: it orders, refunds, and believes of a notification only what WeChat Pay has signed."""

import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from wechatpay.client import Client
from wechatpay.errors import EnvelopeError, SignatureError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.notification import receive
from wechatpay.signing import MerchantSigner


class Shop:
    """`books` are what it has been paid: `unpaid`, `paid` or `refunded`, by out_trade_no. `credentials` are those of serve's file."""

    def __init__(self, wechatpay_url: str, credentials: Mapping[str, str]) -> None:
        mine = credentials
        signer = MerchantSigner(
            mine["mchid"], mine["merchantSerialNo"], load_private_key(mine["merchantPrivateKey"])
        )
        self.books: dict[str, str] = {}
        self._appid, self._mchid, self._api_v3_key = mine["appid"], mine["mchid"], mine["apiV3Key"].encode()
        self._keys = KeyRing.of(public_key_id=mine["wechatPublicKeyId"], public_key=mine["wechatPublicKey"])
        self._wechat_pay = Client(
            signer=lambda: signer,
            keys=self._keys,
            gateways=[wechatpay_url],
            clock=time.time,
            nonce=lambda: secrets.token_hex(16),
        )
        shop = self

        class Notify(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(shop.notified(dict(self.headers), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Notify)
        self._notify_url = f"http://127.0.0.1:{self._server.server_port}/notify"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def order(self, fen: int) -> str:
        """A new order; its out_trade_no."""
        number = f"SHOP{secrets.token_hex(12)}"
        order = {
            "appid": self._appid,
            "mchid": self._mchid,
            "description": "A thing",
            "out_trade_no": number,
            "notify_url": self._notify_url,
            "amount": {"total": fen, "currency": "CNY"},
        }
        self._wechat_pay.order_native(json.dumps(order).encode())
        self.books[number] = "unpaid"
        return number

    def refund(self, number: str, fen: int) -> str:
        """All of it goes back; its out_refund_no."""
        out_refund_no = f"BACK{number[4:]}"
        refund = {
            "out_trade_no": number,
            "out_refund_no": out_refund_no,
            "notify_url": self._notify_url,
            "amount": {"refund": fen, "total": fen, "currency": "CNY"},
        }
        self._wechat_pay.refund(json.dumps(refund).encode())
        return out_refund_no

    def notified(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status to answer a notification with."""
        try:
            sealed = receive(headers, body, keys=self._keys, now=time.time())
        except (SignatureError, EnvelopeError):
            return 401
        said = sealed.open([self._api_v3_key])
        if sealed.event_type == "TRANSACTION.SUCCESS" and said["out_trade_no"] in self.books:
            self.books[str(said["out_trade_no"])] = "paid"
        elif sealed.event_type == "REFUND.SUCCESS" and said["out_trade_no"] in self.books:
            self.books[str(said["out_trade_no"])] = "refunded"
        return 204
