"""WeChat Pay's half of the cryptography: sign what leaves, verify what a merchant sent, encrypt and open what is secret."""

import base64
import binascii
import secrets
import string
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wechatpay_simulator.clock import Timepiece

SCHEME = "WECHATPAY2-SHA256-RSA2048"
# WeChat Pay APIv3, Encrypting sensitive members: RSAES-OAEP with SHA-1 for both of its hashes.
_OAEP = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303  # nosec B303
_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_TO_ALPHANUMERIC = bytes(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in range(256))


def signed_text(*parts: bytes) -> bytes:
    """Each part followed by one line feed, the last one too (WeChat Pay APIv3, Signature generation)."""
    return b"".join(part + b"\n" for part in parts)


def random_nonce(length: int = 32) -> str:
    """Letters and digits, as WeChat Pay's nonces are; some a little more often than others, which does a nonce no harm."""
    return secrets.token_bytes(length).translate(_TO_ALPHANUMERIC).decode("ascii")


class Signer:
    """One of WeChat Pay's private keys, named by its serial or key id: it signs, and opens what was encrypted for it."""

    def __init__(self, *, serial: str, private_key: str, clock: Timepiece) -> None:
        # Checking the numbers of a key takes 40 ms; Credentials has tried what comes from a file.
        key = load_pem_private_key(private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("WeChat Pay signs with RSA keys")
        self._key = key
        self.serial = serial
        self._clock = clock

    def with_key(self, private_key: str) -> Self:
        """Another key (PEM) under this one's name: a forger's."""
        return type(self)(serial=self.serial, private_key=private_key, clock=self._clock)

    def headers(self, body: bytes, *, age: float = 0) -> dict[str, str]:
        """Signature headers over exactly these bytes, as of `age` seconds ago, with a nonce of their own at each call.

        WeChat Pay APIv3, Signature verification: `timestamp\\n` `nonce\\n` `body\\n`, RSASSA-PKCS1-v1_5 with SHA-256.
        """
        timestamp, nonce = str(int(self._clock.time() - age)), random_nonce()
        signature = self._key.sign(
            signed_text(timestamp.encode(), nonce.encode(), body), PKCS1v15(), SHA256()
        )
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode("ascii"),
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def opened(self, ciphertext: bytes) -> bytes:
        """What a merchant encrypted with this key's public half (RSA-OAEP). Raises ValueError for anything else."""
        return self._key.decrypt(ciphertext, _OAEP)


class MerchantKey:
    """The public half of the merchant's API certificate, parsed once."""

    def __init__(self, certificate: str) -> None:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError("a merchant certificate holds an RSA key")
        self._key = key

    def signed(self, text: bytes, signature: str) -> bool:
        """Whether `signature`, standard Base64, is the merchant's over `text`."""
        try:
            self._key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    @property
    def size(self) -> int:
        """Bytes of a signature by this key."""
        return self._key.key_size // 8

    def digest_signed(self, signature: bytes) -> bytes | None:
        """The SHA-256 digest of whatever text `signature` is of, when this key has made it; None otherwise."""
        return self._digest(signature, SHA256())

    def hash_of(self, signature: bytes) -> str | None:
        """The name of another hash than SHA-256 that this key has signed with."""
        others = {"SHA-1": SHA1(), "SHA-384": SHA384(), "SHA-512": SHA512(), "MD5": MD5()}  # noqa: S303  # nosec B303
        found = (name for name, algorithm in others.items() if self._digest(signature, algorithm) is not None)
        return next(found, None)

    def _digest(self, signature: bytes, algorithm: HashAlgorithm) -> bytes | None:
        try:
            return self._key.recover_data_from_signature(signature, PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return None

    def encrypted(self, plaintext: bytes) -> bytes:
        """RSA-OAEP for the merchant alone. Raises ValueError for more than 214 bytes, of an RSA-2048 key."""
        return self._key.encrypt(plaintext, _OAEP)


def encrypted(plaintext: bytes, *, associated_data: str, api_v3_key: str) -> dict[str, str]:
    """AEAD_AES_256_GCM under the APIv3 key, with the tag behind the ciphertext.

    WeChat Pay APIv3, Decrypting certificates and notifications: the nonce is 12 ASCII characters.
    """
    nonce = random_nonce(12)
    ciphertext = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(ciphertext).decode("ascii"),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def encrypted_resource(
    plaintext: bytes, *, original_type: str | None, associated_data: str, api_v3_key: str
) -> dict[str, str]:
    """The `resource` of a notification; without an `original_type` that member is left out."""
    kind = {} if original_type is None else {"original_type": original_type}
    return kind | encrypted(plaintext, associated_data=associated_data, api_v3_key=api_v3_key)
