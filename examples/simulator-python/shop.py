"""One order from its code to its refund, and another that is closed: WeChat Pay by requests and cryptography, without an SDK.

`python shop.py` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
"""

import base64
import json
import os
import queue
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

# region credentials
WECHAT_PAY = os.environ.get("WECHATPAY_URL", "http://127.0.0.1:8181")
MINE = json.loads(Path(os.environ.get("WECHATPAY_CREDENTIALS", "credentials.json")).read_text("utf-8"))
MERCHANT_KEY: RSAPrivateKey = load_pem_private_key(MINE["merchantPrivateKey"].encode(), None)  # type: ignore[assignment]
WECHAT_PAY_KEY: RSAPublicKey = load_pem_public_key(MINE["wechatPublicKey"].encode())  # type: ignore[assignment]
# endregion


class RefusedError(Exception):
    """WeChat Pay says no."""


class UntrustedError(Exception):
    """Nothing proves that WeChat Pay said it."""


# region call
def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """WeChat Pay's answer, {} where it has no body; RefusedError with status, code and message; UntrustedError."""
    sent = json.dumps(body).encode() if body else b""  # what is signed is what is sent, to the byte
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    text = f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + sent + b"\n"
    signature = base64.b64encode(MERCHANT_KEY.sign(text, PKCS1v15(), SHA256())).decode()
    headers = {
        "Authorization": f'WECHATPAY2-SHA256-RSA2048 mchid="{MINE["mchid"]}",nonce_str="{nonce}",'
        f'timestamp="{timestamp}",serial_no="{MINE["merchantSerialNo"]}",signature="{signature}"',
        "Wechatpay-Serial": MINE["wechatPublicKeyId"],  # the key that the answer shall be signed with
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "shop/1.0",
    }
    answer = requests.request(method, WECHAT_PAY + path, data=sent, headers=headers, timeout=10)
    if not answer.ok:
        try:
            refusal = answer.json()
        except ValueError:
            refusal = {"code": "NOT_JSON", "message": "something in between has answered"}
        raise RefusedError(f"{answer.status_code} {refusal['code']}: {refusal['message']}")
    verify(answer.headers, answer.content)
    told: dict[str, Any] = json.loads(answer.content or b"{}")
    return told


# endregion


# region verify
def verify(headers: Mapping[str, str], body: bytes) -> None:
    """Raises UntrustedError unless WeChat Pay has signed exactly these bytes within the last five minutes."""
    names = ("Serial", "Signature", "Timestamp", "Nonce")
    serial, signature, timestamp, nonce = (headers.get(f"Wechatpay-{name}") or "" for name in names)
    if not signature:
        raise UntrustedError("there is no signature")
    if serial != MINE["wechatPublicKeyId"]:
        raise UntrustedError("signed with another key")
    text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    try:
        WECHAT_PAY_KEY.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise UntrustedError("the signature does not hold") from None
    if abs(time.time() - int(timestamp)) > 300:
        raise UntrustedError("signed too long ago")


# endregion


# region notification
def decrypted(notification: dict[str, Any]) -> dict[str, Any]:
    """What a notification tells: `ciphertext` holds it, by AES-256-GCM and the APIv3 key."""
    resource = notification["resource"]
    nonce, data = resource["nonce"].encode(), resource.get("associated_data", "").encode()
    plain = AESGCM(MINE["apiV3Key"].encode()).decrypt(nonce, base64.b64decode(resource["ciphertext"]), data)
    told: dict[str, Any] = json.loads(plain)
    return told


ARRIVED: "queue.Queue[tuple[str, dict[str, Any]]]" = queue.Queue()
TAKEN: set[str] = set()  # a real shop keeps what it has taken in its database


class Notify(BaseHTTPRequestHandler):
    """The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            verify(self.headers, body)  # type: ignore[arg-type]
        except UntrustedError as problem:
            return self.answer(401, {"code": "FAIL", "message": str(problem)})
        notification = json.loads(body)
        told = decrypted(notification)
        if notification["id"] not in TAKEN:
            TAKEN.add(notification["id"])
            ARRIVED.put((notification["event_type"], told))
        return self.answer(200, {"code": "SUCCESS", "message": ""})

    # endregion

    def answer(self, status: int, said: dict[str, str]) -> None:
        """As JSON."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: what counts is printed."""


def walk(notify_url: str) -> None:
    """One line for each step."""
    number, another, refund_number = (letter + secrets.token_hex(12) for letter in "TTR")

    # region order
    order: dict[str, Any] = {"appid": MINE["appid"], "mchid": MINE["mchid"], "notify_url": notify_url}
    order |= {"out_trade_no": number, "description": "一壶茶", "amount": {"total": 100}}  # fen
    code_url = call("POST", "/v3/pay/transactions/native", order)["code_url"]
    # endregion
    print("native:", "a code_url" if code_url.startswith("weixin://") else code_url)
    # region query
    asked = f"/v3/pay/transactions/out-trade-no/{number}?mchid={MINE['mchid']}"
    print("query:", call("GET", asked)["trade_state"])
    # endregion

    # region pay
    paid = requests.post(f"{WECHAT_PAY}/_sandbox/pay", json={"codeUrl": code_url}, timeout=10)
    # endregion
    print("pay:", paid.json().get("trade_state", paid.text))
    kind, transaction = ARRIVED.get(timeout=60)
    print(f"notification: {kind} {transaction['trade_state']}, {transaction['amount']['total']} fen")
    print("query:", call("GET", asked)["trade_state"])

    # region refund
    wish: dict[str, Any] = {"out_trade_no": number, "out_refund_no": refund_number, "notify_url": notify_url}
    wish |= {"amount": {"refund": 40, "total": 100, "currency": "CNY"}}
    refund = call("POST", "/v3/refund/domestic/refunds", wish)
    # endregion
    print(f"refund: {refund['status']}, {refund['amount']['refund']} fen")
    kind, refund = ARRIVED.get(timeout=60)
    print(f"notification: {kind} {refund['refund_status']}, {refund['amount']['refund']} fen")
    print("refund query:", call("GET", f"/v3/refund/domestic/refunds/{refund_number}")["status"])

    call("POST", "/v3/pay/transactions/native", order | {"out_trade_no": another})
    # region close
    place = f"/v3/pay/transactions/out-trade-no/{another}"
    call("POST", f"{place}/close", {"mchid": MINE["mchid"]})
    print("close:", call("GET", f"{place}?mchid={MINE['mchid']}")["trade_state"])
    # endregion
    try:
        call("GET", asked.replace(number, "NOBODY-KNOWS"))
    except RefusedError as refusal:
        print("unknown order:", refusal)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Notify)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        walk(f"http://127.0.0.1:{server.server_port}/notify")
    except RefusedError as problem:
        sys.exit(f"refused: {problem}")
    except UntrustedError as problem:
        sys.exit(f"untrusted: {problem}")
