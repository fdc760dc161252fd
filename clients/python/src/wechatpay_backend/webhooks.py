"""Forwarded events, signed as Standard Webhooks are (standardwebhooks.com, specification 1.0.0)."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping

from wechatpay_backend.generated.types import Event

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300


class WebhookError(Exception):
    """Why a request is no event of the backend's. Answer it with 400."""


def verify_event(body: bytes | str, headers: Mapping[str, str], secret: str) -> Event:
    """The event that was posted. Raises WebhookError unless `secret` (`whsec_…`) has signed exactly this body within five minutes.

    `body` is the request's body as it came, before any JSON parser. An event may come twice: act once on each `event["data"]["id"]`.
    """
    content = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp, signatures = (
        _header(given, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise WebhookError("webhook-timestamp is not a number of seconds")
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise WebhookError("webhook-timestamp is more than five minutes away from now")
    signed = f"{event_id}.{timestamp}.".encode() + content
    mine = "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    if not any(hmac.compare_digest(mine.encode(), one.encode()) for one in signatures.split(" ")):
        raise WebhookError("no signature is of this secret")
    event: Event = json.loads(content)
    return event


def _header(headers: Mapping[str, str], name: str) -> str:
    if not headers.get(name):
        raise WebhookError(f"the header {name} is missing")
    return headers[name]


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("the secret must be whsec_ and 24 to 64 bytes in base64")
    return key
