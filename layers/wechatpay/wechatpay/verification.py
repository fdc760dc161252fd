"""Whether bytes come from WeChat Pay: the check of answers and notifications.

Source: WeChat Pay APIv3, "How to verify signatures" and "Considerations on callbacks".
"""

import base64
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from wechatpay.errors import SignatureError
from wechatpay.keys import VerificationKeys
from wechatpay.signing import SCHEME

MAX_CLOCK_SKEW_SECONDS = 300  # a difference of five minutes is already too much
_PROBE = "WECHATPAY/SIGNTEST/"

# One value each: a gateway joins repeated headers with a comma, and a line feed would move the border between parts.
_FORMS = {
    "wechatpay-timestamp": re.compile(r"[0-9]{10}"),
    "wechatpay-nonce": re.compile(r"[\x21-\x2b\x2d-\x7e]{1,128}"),
    "wechatpay-serial": re.compile(r"[0-9A-Za-z_]{1,64}"),
    "wechatpay-signature": re.compile(r"[\x21-\x7e]{1,1024}"),
}


def verify(headers: Mapping[str, str], body: bytes, *, keys: VerificationKeys, now: float) -> None:
    """Raise SignatureError unless WeChat Pay signed exactly these bytes within five minutes of `now`.

    `headers` in any case; `body` as received, before any parsing; `now` in epoch seconds.
    """
    lowered = {
        name.lower(): value for name, value in headers.items() if name.lower().startswith("wechatpay-")
    }
    for name, form in _FORMS.items():
        if not lowered.get(name):
            raise SignatureError("header_missing", f"the header {name} is missing")
        if not form.fullmatch(lowered[name]):
            raise SignatureError("header_malformed", f"the header {name} is malformed")
    if lowered.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise SignatureError("signature_type", f"the signature type is not {SCHEME}")

    timestamp, nonce = lowered["wechatpay-timestamp"], lowered["wechatpay-nonce"]
    serial, signature = lowered["wechatpay-serial"], lowered["wechatpay-signature"]
    if abs(now - int(timestamp)) >= MAX_CLOCK_SKEW_SECONDS:
        raise SignatureError(
            "timestamp", f"the timestamp is {MAX_CLOCK_SKEW_SECONDS} seconds or more away from this clock"
        )
    key = keys.find(serial)
    if key is None:
        raise SignatureError("serial_unknown", "no verification key with this serial")
    failed = "probe" if signature.startswith(_PROBE) else "signature"
    try:
        raw = _decoded(signature)
        key.verify(raw, f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as problem:
        raise SignatureError(failed, "the signature does not fit") from problem


def _decoded(signature: str) -> bytes:
    raw = base64.b64decode(signature)
    # A decoder drops foreign characters and the last letter's spare bits: many texts would be one signature.
    if base64.b64encode(raw).decode() != signature:
        raise ValueError("not the base64 of its bytes")
    return raw
