"""A merchant, written for these tests alone: it shares no code with the simulator's signing."""

import base64
import contextlib
import http.client
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wechatpay_simulator import Clock, Credentials, Simulator


@dataclass
class Response:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["code"]

    @property
    def error_number(self) -> int:
        return int(self.headers["request-id"].rpartition("-")[2])


class Merchant:
    """Calls the simulator as a merchant would, with every part of a request open to tampering."""

    def __init__(
        self, url: str, credentials: Credentials, clock: Clock, *, open_platform_url: str = ""
    ) -> None:
        self.url = url
        self.open_platform_url = open_platform_url
        self.credentials = credentials
        self.clock = clock
        # Checking the numbers of a key would take longer than most of these tests.
        self._key: Any = load_pem_private_key(
            credentials.merchant_private_key.encode(), None, unsafe_skip_rsa_key_validation=True
        )
        self._wechat_key: Any = load_pem_public_key(credentials.wechat_public_key.encode())

    def order(self, **changes: Any) -> dict[str, Any]:
        """A native order that is in order, with `changes`; a change to ... leaves the member out."""
        order = {
            "appid": self.credentials.appid,
            "mchid": self.credentials.mchid,
            "description": "深圳腾大-QQ公仔",
            "out_trade_no": "T" + secrets.token_hex(12),
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": 100, "currency": "CNY"},
        } | changes
        return {name: value for name, value in order.items() if value is not ...}

    def native(self, order: dict[str, Any]) -> Response:
        return self.call("POST", "/v3/pay/transactions/native", json.dumps(order).encode())

    def jsapi(self, order: dict[str, Any]) -> Response:
        return self.call("POST", "/v3/pay/transactions/jsapi", json.dumps(order).encode())

    def h5_order(self, **changes: Any) -> dict[str, Any]:
        """An H5 order that is in order, for a buyer at 203.0.113.7, with `changes` as in `order`."""
        scene_info = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
        return self.order(**{"scene_info": scene_info} | changes)

    def h5(self, order: dict[str, Any]) -> Response:
        return self.call("POST", "/v3/pay/transactions/h5", json.dumps(order).encode())

    def app(self, order: dict[str, Any]) -> Response:
        return self.call("POST", "/v3/pay/transactions/app", json.dumps(order).encode())

    def close(self, out_trade_no: str, /, **body: Any) -> Response:
        """Close the order; `body` instead of the caller's own mchid."""
        body = body or {"mchid": self.credentials.mchid}
        target = f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close"
        return self.call("POST", target, json.dumps(body).encode())

    def refund(self, **body: Any) -> Response:
        body.setdefault("out_refund_no", "R" + secrets.token_hex(12))
        body = {name: value for name, value in body.items() if value is not ...}
        return self.call("POST", "/v3/refund/domestic/refunds", json.dumps(body).encode())

    def query_refund(self, out_refund_no: str) -> Response:
        return self.call("GET", f"/v3/refund/domestic/refunds/{out_refund_no}")

    def paid(self, **changes: Any) -> dict[str, Any]:
        """An order that was paid, as a query shows it."""
        response = self.pay(codeUrl=self.placed(**changes)["code_url"])
        assert response.status == 200, response.body
        return self.query(response.json["out_trade_no"]).json

    def placed(self, **changes: Any) -> dict[str, Any]:
        """An order that the simulator took, with its code_url."""
        order = self.order(**changes)
        response = self.native(order)
        assert response.status == 200, response.body
        return order | response.json

    def query(self, out_trade_no: str) -> Response:
        return self.call(
            "GET", f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={self.credentials.mchid}"
        )

    def query_id(self, transaction_id: str) -> Response:
        return self.call("GET", f"/v3/pay/transactions/id/{transaction_id}?mchid={self.credentials.mchid}")

    def sign(self, text: str | bytes) -> str:
        text = text.encode() if isinstance(text, str) else text
        return base64.b64encode(self._key.sign(text, PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: bytes, *, age: float = 0, **changes: str) -> str:
        timestamp = str(int(self.clock.time() - age))
        nonce_str = secrets.token_hex(16)
        text = f"{method}\n{target}\n{timestamp}\n{nonce_str}\n".encode() + body + b"\n"
        fields = {
            "mchid": self.credentials.mchid,
            "nonce_str": nonce_str,
            "signature": self.sign(text),
            "timestamp": timestamp,
            "serial_no": self.credentials.merchant_serial_no,
        } | changes
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in fields.items())

    def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str | None] | None = None,
        age: float = 0,
    ) -> Response:
        """A signed request. A header of None is left out; `age` is how many seconds ago it was signed."""
        sent: dict[str, str | None] = {
            "Accept": "application/json",
            "User-Agent": "simulator-tests",
            "Authorization": self.authorization(method, target, body, age=age),
        }
        if body:
            sent["Content-Type"] = "application/json"
        return self.send(method, target, body, sent | (headers or {}))

    def asked(self, path: str, *, headers: dict[str, str | None] | None = None, **members: str) -> Response:
        """The open platform's answer; `members` are the query string, in this order."""
        target = f"{path}?{urlencode(members)}"
        return self.send("GET", target, b"", headers or {}, url=self.open_platform_url)

    def send(
        self, method: str, target: str, body: bytes, headers: dict[str, str | None], *, url: str = ""
    ) -> Response:
        parts = urlsplit(url or self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, found, answer.read())
        finally:
            connection.close()

    def control(self, method: str, name: str, body: Any = None) -> Response:
        """One of the unsigned controls; bytes are sent as they are, everything else as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.send(method, f"/_sandbox/{name}", data, {"Content-Type": "application/json"})

    def pay(self, **body: Any) -> Response:
        return self.control("POST", "pay", body)

    def advance(self, seconds: float) -> None:
        assert self.control("POST", "clock", {"advance": seconds}).status == 200

    def deliveries(self) -> list[dict[str, Any]]:
        return self.control("GET", "notifications").json["notifications"]

    def verify(
        self, headers: dict[str, str], body: bytes, *, at: float | None = None, key: Any = None
    ) -> None:
        """Raises InvalidSignature unless WeChat Pay signed exactly these bytes, now (or `at` that time).

        With the public key, or with the `key` of a certificate that the caller has chosen by its serial number.
        """
        headers = {name.lower(): value for name, value in headers.items()}
        assert key or headers["wechatpay-serial"] == self.credentials.wechat_public_key_id
        assert headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
        timestamp, nonce = headers["wechatpay-timestamp"], headers["wechatpay-nonce"]
        assert abs((at or self.clock.time()) - int(timestamp)) < 300
        text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        key = key or self._wechat_key
        key.verify(base64.b64decode(headers["wechatpay-signature"]), text, PKCS1v15(), SHA256())

    def decrypt(self, resource: dict[str, str]) -> Any:
        return json.loads(
            AESGCM(self.credentials.api_v3_key.encode()).decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"]),
                resource["associated_data"].encode(),
            )
        )


@contextlib.contextmanager
def served(credentials: Credentials) -> Iterator[Merchant]:
    clock = Clock()
    simulator = Simulator(credentials, clock=clock)
    url = simulator.start()
    yield Merchant(url, credentials, clock, open_platform_url=simulator.open_platform_url)
    simulator.stop()
