"""An event as a webhook: body, headers and signature of Standard Webhooks (standardwebhooks.com, specification 1.0.0)."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

PREFIX = "whsec_"
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64  # what the specification asks for
NEW_KEY_BYTES = 32


def new_secret() -> str:
    """A secret as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key that signs. Raises ValueError for what is no secret of this form."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"a secret is {PREFIX} and {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes in base64")
    return key


def id_of(event: Mapping[str, Any]) -> str:
    """`webhook-id`: the id within the event, under which it is told again; the bus's own where there is none.

    One that a header cannot carry, or that has a full stop (which parts what is signed), counts for none.
    """
    detail = event["detail"]
    own = detail.get("id") if isinstance(detail, Mapping) else None
    return own if isinstance(own, str) and re.fullmatch(r"[!-\-/-~]{1,255}", own) else str(event["id"])


def body_of(event: Mapping[str, Any]) -> bytes:
    """`{"type", "timestamp", "data"}`: detail type, when it happened, and the detail to the letter."""
    data = msgspec.Raw(event["detail_text"].encode())
    return msgspec.json.encode({"type": event["detail-type"], "timestamp": event["time"], "data": data})


def headers_of(webhook_id: str, body: bytes, *, key: bytes, now: float) -> dict[str, str]:
    """The three headers of one attempt; `now` is in epoch seconds, by the receiver's clock."""
    timestamp = str(int(now))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
