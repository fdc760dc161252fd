"""A notification of WeChat Pay: from the bytes that arrived to the facts that it proves.

Source: WeChat Pay APIv3, "Payment notification" and "Refund result notification".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wechatpay.decryption import decrypt
from wechatpay.errors import EnvelopeError
from wechatpay.keys import VerificationKeys
from wechatpay.verification import verify

# event_type -> the original_type that must go with it
KINDS = {
    "TRANSACTION.SUCCESS": "transaction",
    "REFUND.SUCCESS": "refund",
    "REFUND.ABNORMAL": "refund",
    "REFUND.CLOSED": "refund",
}


@dataclass(frozen=True)
class Sealed:
    """A notification whose signature has been verified and whose resource is still encrypted."""

    id: str
    event_type: str
    original_type: str
    ciphertext: str
    nonce: str
    associated_data: str

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

    Raises SignatureError; EnvelopeError when a signed message is not a notification of a payment or a refund: answers
    of WeChat Pay are signed in the same way and must not pass for one.
    """
    verify(headers, body, keys=keys, now=now)
    envelope = _json_object(body, "the body")
    resource = envelope.get("resource")
    if not isinstance(resource, dict) or envelope.get("resource_type") != "encrypt-resource":
        raise EnvelopeError("not an encrypted notification")
    event_type = _text(envelope, "event_type")
    if event_type not in KINDS:
        raise EnvelopeError("not a notification of a payment or a refund")
    if resource.get("original_type") != KINDS[event_type]:
        raise EnvelopeError("event_type and original_type contradict each other")
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise EnvelopeError("the algorithm is not AEAD_AES_256_GCM")
    associated_data = resource.get("associated_data", "")
    return Sealed(
        id=_text(envelope, "id"),
        event_type=event_type,
        original_type=KINDS[event_type],
        ciphertext=_text(resource, "ciphertext"),
        nonce=_text(resource, "nonce"),
        associated_data=associated_data if isinstance(associated_data, str) else "",
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
