"""RSA-OAEP for members that only their reader may see: to WeChat Pay under its key, to the merchant under its certificate's.

Source: WeChat Pay APIv3, "How to encrypt and decrypt sensitive information": OAEP with SHA-1 and MGF1 with SHA-1, in base64.
"""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1

from wechatpay.errors import DecryptionError

# WeChat Pay's choice of hash, and sound in OAEP.
_OAEP = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  # nosec B303


def encrypt_sensitive(text: str, key: RSAPublicKey) -> str:
    """`text` for the holder of `key`, each time differently; base64 on one line.

    The request must name the key in `Wechatpay-Serial`. Raises ValueError for more bytes than fit, 214 of UTF-8 with a key of
    2048 bits.
    """
    return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()


def decrypt_sensitive(text: str, key: RSAPrivateKey) -> str:
    """What WeChat Pay encrypted for the merchant whose private key this is. Raises DecryptionError."""
    try:
        return key.decrypt(base64.b64decode(text, validate=True), _OAEP).decode()
    except (binascii.Error, ValueError):
        raise DecryptionError("not encrypted for this merchant's certificate") from None
