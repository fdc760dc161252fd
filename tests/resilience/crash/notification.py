"""A notification as WeChat Pay meant it: opened with the simulator's own key."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def opened(body: str, api_v3_key: str) -> dict[str, Any]:
    """The facts in a notification's body."""
    resource = json.loads(body)["resource"]
    plaintext = AESGCM(api_v3_key.encode()).decrypt(
        resource["nonce"].encode(),
        base64.b64decode(resource["ciphertext"]),
        resource["associated_data"].encode(),
    )
    facts: dict[str, Any] = json.loads(plaintext)
    return facts
