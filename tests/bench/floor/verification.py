"""Whether WeChat Pay has signed something, by cryptography alone."""

import base64
import time

from aws import secret
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_keys = {}


def verify(headers, body):
    """Raises InvalidSignature, KeyError or ValueError unless these bytes are WeChat Pay's; header names in lower case."""
    known = secret("VERIFICATION_SECRET")
    serial = headers["wechatpay-serial"]
    if serial != known["WECHAT_PUBLIC_KEY_ID"]:
        raise ValueError("no such key")
    if serial not in _keys:
        _keys[serial] = load_pem_public_key(known["WECHAT_PUBLIC_KEY"].encode())
    timestamp = headers["wechatpay-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        raise ValueError("too old")
    signed = f"{timestamp}\n{headers['wechatpay-nonce']}\n".encode() + body + b"\n"
    _keys[serial].verify(base64.b64decode(headers["wechatpay-signature"]), signed, PKCS1v15(), SHA256())
