"""Keys and certificates from text, and the ring that holds WeChat Pay's verification keys by serial."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wechatpay.errors import KeyFormatError

PUBLIC_KEY_ID_PREFIX = "PUB_KEY_ID_"


class VerificationKeys(Protocol):
    """Where a verifier finds WeChat Pay's public keys."""

    def find(self, serial: str) -> RSAPublicKey | None:
        """The key with exactly this certificate serial or public key id, or None."""
        ...

    @property
    def preferred(self) -> str | None:
        """The id that requests name in `Wechatpay-Serial`: the WeChat Pay public key's, if there is one."""
        ...


class KeyRing:
    """WeChat Pay's verification keys, several at once, found by serial and never tried in turn.

    Source: WeChat Pay APIv3, "Switching from platform certificates to the WeChat Pay public key": for a week both
    kinds sign, and `Wechatpay-Serial` says which did.
    """

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self._keys = dict(keys)

    def find(self, serial: str) -> RSAPublicKey | None:
        """The key with exactly this certificate serial or public key id, or None."""
        return self._keys.get(serial)

    @property
    def preferred(self) -> str | None:
        """The public key's id, if the ring holds one: WeChat Pay then signs its answers with that key."""
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY_ID_PREFIX)), None)

    @classmethod
    def of(
        cls,
        *,
        public_key_id: str | None = None,
        public_key: str | None = None,
        platform_certificates: Iterable[str] = (),
    ) -> "KeyRing":
        """A ring from PEM texts: the public key under its id, each certificate under its serial number.

        Raises KeyFormatError naming the field.
        """
        keys: dict[str, RSAPublicKey] = {}
        if public_key_id or public_key:
            if not (public_key_id and public_key):
                raise KeyFormatError("the WeChat Pay public key and its id belong together; one is missing")
            if not public_key_id.startswith(PUBLIC_KEY_ID_PREFIX):
                raise KeyFormatError(f"the WeChat Pay public key's id must start with {PUBLIC_KEY_ID_PREFIX}")
            keys[public_key_id] = load_public_key(public_key)
        for certificate in platform_certificates:
            serial, key = load_certificate(certificate)
            keys[serial] = key
        return cls(keys)


def load_private_key(text: str) -> RSAPrivateKey:
    """The merchant's API private key from PEM, from PEM with escaped newlines, or from base64 of either PEM or DER.

    The full consistency check of the key costs 33 ms and belongs to the moment it is stored, so it is left out here.
    Raises KeyFormatError.
    """
    try:
        key = load_pem_private_key(
            pem(text, "PRIVATE KEY"), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise KeyFormatError(
            "the merchant private key is not a PEM private key without a passphrase"
        ) from problem
    if not isinstance(key, RSAPrivateKey):
        raise KeyFormatError("the merchant private key is not an RSA key")
    return key


def load_public_key(text: str) -> RSAPublicKey:
    """A WeChat Pay public key from PEM (same forms as `load_private_key`). Raises KeyFormatError."""
    try:
        key = load_pem_public_key(pem(text, "PUBLIC KEY"))
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise KeyFormatError("the WeChat Pay public key is not a PEM public key") from problem
    if not isinstance(key, RSAPublicKey):
        raise KeyFormatError("the WeChat Pay public key is not an RSA key")
    return key


def load_certificate(text: str) -> tuple[str, RSAPublicKey]:
    """Serial number (40 hex digits, upper case) and public key of a platform certificate in PEM. Raises KeyFormatError."""
    from cryptography import x509  # noqa: PLC0415  a quarter of this module's import time, for certificates alone

    try:
        certificate = x509.load_pem_x509_certificate(pem(text, "CERTIFICATE"))
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise KeyFormatError("a platform certificate is not a PEM certificate") from problem
    if not isinstance(key, RSAPublicKey):
        raise KeyFormatError("a platform certificate does not hold an RSA key")
    return f"{certificate.serial_number:040X}", key


def pem(text: str, label: str) -> bytes:
    """The PEM in any form that people paste it in: with escaped newlines, or base64 of PEM or of DER called `label`.

    Empty for what is none of these.
    """
    text = text.strip().replace("\\r", "").replace("\\n", "\n")
    if "-----BEGIN " in text:
        return text.encode()
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    if decoded.lstrip().startswith(b"-----BEGIN "):
        return decoded
    body = base64.encodebytes(decoded).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()
