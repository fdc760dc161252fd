"""AEAD_AES_256_GCM with the APIv3 key, as notifications and certificate downloads use it.

Source: WeChat Pay APIv3, "How to decrypt certificates and callbacks".
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wechatpay.errors import DecryptionError, KeyFormatError
from wechatpay.keys import bare


def apiv3_key(text: str) -> bytes:
    """The APIv3 key as bytes: 32 visible ASCII characters, without what stands around them. Raises KeyFormatError."""
    key = bare(text)
    if len(key) != 32:
        raise KeyFormatError(f"an APIv3 key has 32 characters, this one {len(key)}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KeyFormatError("an APIv3 key has letters and digits alone")
    return key.encode()


def decrypt(*, ciphertext: str, nonce: str, associated_data: str, keys: Sequence[bytes]) -> bytes:
    """The plaintext of a resource; `ciphertext` is base64 of ciphertext and 16-byte tag, `nonce` 12 characters.

    The first of `keys` whose tag fits is the right one: during a change of the APIv3 key both are in use. Raises
    DecryptionError.
    """
    try:
        raw = base64.b64decode(ciphertext, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise DecryptionError("the ciphertext is not base64") from problem
    if len(nonce.encode()) != 12:
        raise DecryptionError("the nonce is not 12 bytes")
    for key in keys:
        try:
            return AESGCM(key).decrypt(nonce.encode(), raw, associated_data.encode())
        except InvalidTag:
            continue
    raise DecryptionError("no APIv3 key fits")
