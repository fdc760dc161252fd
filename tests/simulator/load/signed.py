"""Requests of a merchant, signed beforehand: bytes that only have to be sent, so that what is measured is the simulator."""

import base64
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass(frozen=True)
class Orders:
    """Native orders of these numbers."""

    numbers: Sequence[str]


@dataclass(frozen=True)
class Queries:
    """Queries of the orders of these numbers."""

    numbers: Sequence[str]


@dataclass(frozen=True)
class Payments:
    """The buyers of these orders pay."""

    numbers: Sequence[str]


class Merchant:
    """Signs as the merchant of a credentials file; requests are good for five minutes."""

    def __init__(self, credentials: Path) -> None:
        mine = json.loads(credentials.read_text(encoding="utf-8"))
        self._key: Any = load_pem_private_key(
            mine["merchantPrivateKey"].encode(), None, unsafe_skip_rsa_key_validation=True
        )
        self._mchid, self._appid, self._serial_no = mine["mchid"], mine["appid"], mine["merchantSerialNo"]

    def signed(self, wanted: Orders | Queries | Payments) -> list[bytes]:
        """The requests as they go over the wire."""
        request = {Orders: self._order, Queries: self._query, Payments: self._payment}[type(wanted)]
        return [request(number) for number in wanted.numbers]

    def _order(self, number: str) -> bytes:
        body = json.dumps(
            {
                "appid": self._appid,
                "mchid": self._mchid,
                "description": "深圳腾大-QQ公仔",
                "out_trade_no": number,
                "notify_url": "http://127.0.0.1:9/notify",
                "amount": {"total": 100, "currency": "CNY"},
            },
            ensure_ascii=False,
        )
        return self._request("POST", "/v3/pay/transactions/native", body.encode())

    def _query(self, number: str) -> bytes:
        return self._request("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self._mchid}", b"")

    def _payment(self, number: str) -> bytes:
        return self._request("POST", "/_sandbox/pay", json.dumps({"outTradeNo": number}).encode())

    def _request(self, method: str, target: str, body: bytes) -> bytes:
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        text = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(self._key.sign(text, PKCS1v15(), SHA256())).decode()
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: api.mch.weixin.qq.com\r\nAccept: application/json\r\n"
            f"User-Agent: load\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f'Authorization: WECHATPAY2-SHA256-RSA2048 mchid="{self._mchid}",nonce_str="{nonce}",'
            f'signature="{signature}",timestamp="{timestamp}",serial_no="{self._serial_no}"\r\n\r\n'
        )
        return head.encode() + body
