"""A notification of WeChat Pay: from the bytes that arrived to the facts that it proves.

Every kind of notification comes in the same envelope and to whatever URL the merchant's settings name: what it is about is
for the reader to decide, by `event_type` and `original_type` together, for neither is unique alone.
Source: WeChat Pay APIv3, "Payment notification", "Refund result notification" and about a hundred others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wechatpay.decryption import decrypt
from wechatpay.errors import EnvelopeError
from wechatpay.keys import VerificationKeys
from wechatpay.verification import verify


@dataclass(frozen=True)
class Sealed:
    """A notification whose signature has been verified and whose resource is still encrypted.

    `original_type` is None where WeChat Pay names none, as with complaints; `create_time` is its own text.
    """

    id: str
    event_type: str
    original_type: str | None
    ciphertext: str
    nonce: str
    associated_data: str
    create_time: str | None = None

    def open(self, keys: Sequence[bytes]) -> dict[str, object]:
        """The decrypted facts. `keys` are APIv3 keys, 32 bytes each.

        Raises DecryptionError, or EnvelopeError when what was encrypted is not a JSON object.
        """
        plaintext = decrypt(
            ciphertext=self.ciphertext, nonce=self.nonce, associated_data=self.associated_data, keys=keys
        )
        return _json_object(plaintext, "the decrypted resource")


def receive(headers: Mapping[str, str], body: bytes, *, keys: VerificationKeys, now: float) -> Sealed:
    """Verify the signature over `body` as received, then read the envelope.

    Raises SignatureError; EnvelopeError when a signed message is not an encrypted notification: answers of WeChat Pay are
    signed in the same way and must not pass for one.
    """
    verify(headers, body, keys=keys, now=now)
    envelope = _json_object(body, "the body")
    resource = envelope.get("resource")
    if not isinstance(resource, dict) or envelope.get("resource_type") != "encrypt-resource":
        raise EnvelopeError("not an encrypted notification")
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise EnvelopeError("the algorithm is not AEAD_AES_256_GCM")
    associated_data = resource.get("associated_data", "")
    return Sealed(
        id=_text(envelope, "id"),
        event_type=_text(envelope, "event_type"),
        original_type=_optional(resource, "original_type"),
        ciphertext=_text(resource, "ciphertext"),
        nonce=_text(resource, "nonce"),
        associated_data=associated_data if isinstance(associated_data, str) else "",
        create_time=_optional(envelope, "create_time"),
    )


def _json_object(raw: bytes, what: str) -> dict[str, object]:
    try:
        value = json.loads(raw.decode())
    except (ValueError, RecursionError) as problem:
        raise EnvelopeError(f"{what} is not JSON") from problem
    if not isinstance(value, dict):
        raise EnvelopeError(f"{what} is not a JSON object")
    return value


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise EnvelopeError(f"{name} is missing")
    return value


def _optional(members: Mapping[str, object], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) and value else None
