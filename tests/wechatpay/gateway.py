"""What a gateway answers with, the client that asks it, and WeChat Pay's signature."""

import base64
import re
import socket
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.kit.identities import IDENTITIES, WECHAT_PAY
from wechatpay.client import Client
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner

Answer = Callable[[socket.socket], None]
Server = Callable[..., str]


def request_of(connection: socket.socket) -> bytes:
    """One whole request, empty when the other side has hung up: an answer before its end would be lost with the connection."""
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length.group(1)) and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body if head else b""


def client(*gateways: str, seconds: float = 60.0, **given: Any) -> Client:
    """The merchant's client, which knows the WeChat Pay public key."""
    merchant = IDENTITIES["merchant"]
    key = load_private_key(merchant["private_key_pkcs8_der_base64"])
    signer = MerchantSigner(IDENTITIES["mchid"], merchant["serial_no"], key)
    deadline = time.monotonic() + seconds
    ring = KeyRing.of(public_key_id=WECHAT_PAY["public_key_id"], public_key=WECHAT_PAY["public_key_pem"])
    parts: dict[str, Any] = {"keys": ring, "clock": time.time, "nonce": lambda: "n" * 32} | given
    return Client(
        signer=lambda: signer,
        gateways=gateways,
        remaining=lambda: deadline - time.monotonic(),
        **parts,
    )


def merchant_public_key() -> Any:
    """The public half of the merchant's key, as WeChat Pay has it from the certificate."""
    return load_private_key(IDENTITIES["merchant"]["private_key_pkcs8_der_base64"]).public_key()


_KEYS: dict[str, Any] = {}


def signature(message: bytes, owner: str = "wechatpay_public_key") -> str:
    """The signature of `message` by the private half of one of the vectors' identities."""
    if owner not in _KEYS:
        _KEYS[owner] = load_private_key(IDENTITIES[owner]["private_key_pkcs8_der_base64"])
    return base64.b64encode(_KEYS[owner].sign(message, PKCS1v15(), SHA256())).decode()


def proof(body: bytes) -> dict[str, str]:
    """The headers by which WeChat Pay signs an answer."""
    timestamp, nonce = str(int(time.time())), "nonce"
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": WECHAT_PAY["public_key_id"],
        "Wechatpay-Signature": signature(f"{timestamp}\n{nonce}\n".encode() + body + b"\n"),
    }


def answering(body: bytes, headers: dict[str, str] | list[tuple[str, str]], status: str = "200 OK") -> Answer:
    """An answer with these bytes and header lines."""
    lines = list(headers.items() if isinstance(headers, dict) else headers)
    if not status.startswith("204"):
        lines.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in [*lines, ("Connection", "close")])
    return lambda connection: connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
