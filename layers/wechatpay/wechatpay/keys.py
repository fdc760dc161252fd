"""Keys and certificates from text, and the ring that holds WeChat Pay's verification keys by serial."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wechatpay.errors import KeyFormatError

PUBLIC_KEY_ID_PREFIX = "PUB_KEY_ID_"
_PUBLIC_KEY_ID = re.compile(r"PUB_KEY_ID_[0-9A-Za-z]{10,53}")
_SERIAL = re.compile(r"(?:SERIAL(?:NUMBER)?=?)?(?:0X)?([0-9A-F]{30,40})")
# Invisible ones, too.
_AROUND = " \t\r\n\v\f\x85\xa0\u2028\u2029\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SEPARATORS = re.compile(f"[{_AROUND}:]+")
_ESCAPES = re.compile(r"\\+(?:(n)|r)?")  # neither PEM nor base64 has a backslash of its own
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


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
    def serials(self) -> tuple[str, ...]:
        """The serials and ids of all keys, the public key's first."""
        return tuple(self._keys)

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
            keys[checked_public_key_id(public_key_id)] = load_public_key(public_key)
        for certificate in platform_certificates:
            serial, key = load_certificate(certificate)
            keys[serial] = key
        return cls(keys)


def bare(text: str) -> str:
    """The text without the blanks, line ends and invisible characters around it."""
    return text.strip(_AROUND)


def checked_public_key_id(text: str) -> str:
    """The id of a WeChat Pay public key, without what stands around it. Raises KeyFormatError."""
    found = _PUBLIC_KEY_ID.fullmatch(bare(text))
    if found is None:
        raise KeyFormatError(f"not the id of a WeChat Pay public key, {PUBLIC_KEY_ID_PREFIX} and digits")
    return found[0]


def checked_serial(text: str) -> str:
    """A certificate's serial number as WeChat Pay writes it, hex digits in capitals. Raises KeyFormatError.

    Taken in the forms of openssl (`serial=…`, pairs with colons) and of Windows (pairs with blanks), in any case.
    """
    found = _SERIAL.fullmatch(_SEPARATORS.sub("", text).upper())
    if found is None:
        raise KeyFormatError("not a certificate's serial number, 40 hex digits")
    return found[1]


def load_private_key(text: str) -> RSAPrivateKey:
    """The merchant's API private key from PEM, from PEM with escaped newlines, or from base64 of either PEM or DER.

    The full consistency check of the key costs 33 ms and belongs to the moment it is stored, so it is left out here.
    Raises KeyFormatError.
    """
    try:
        key = load_pem_private_key(
            pem(text, "PRIVATE KEY"), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained, here and below: what a decoder says of a text may show some of it.
        raise KeyFormatError(
            "the merchant private key is not a PEM private key without a passphrase"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise KeyFormatError("the merchant private key is not an RSA key")
    return key


def load_public_key(text: str) -> RSAPublicKey:
    """A WeChat Pay public key from PEM (same forms as `load_private_key`). Raises KeyFormatError."""
    try:
        key = load_pem_public_key(pem(text, "PUBLIC KEY"))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("the WeChat Pay public key is not a PEM public key") from None
    if not isinstance(key, RSAPublicKey):
        raise KeyFormatError("the WeChat Pay public key is not an RSA key")
    return key


def load_certificate(text: str) -> tuple[str, RSAPublicKey]:
    """Serial number (40 hex digits, upper case) and public key of a platform certificate in PEM. Raises KeyFormatError."""
    from cryptography import x509  # noqa: PLC0415  a quarter of this module's import time, for certificates alone

    try:
        certificate = x509.load_pem_x509_certificate(pem(text, "CERTIFICATE"))
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("a platform certificate is not a PEM certificate") from None
    if not isinstance(key, RSAPublicKey):
        raise KeyFormatError("a platform certificate does not hold an RSA key")
    return f"{certificate.serial_number:040X}", key


def pem(text: str, label: str) -> bytes:
    """The PEM in any form that people paste it in; base64 without PEM is taken as DER of what `label` says.

    Line ends may be escaped, CRLF, blanks or lost; PEM may be in base64. Empty for what is none of these.
    """
    blocks = pem_blocks(text)
    if not blocks and (der := _base64(text)):
        body = base64.encodebytes(der).decode()
        blocks = [f"-----BEGIN {label}-----\n{body}-----END {label}-----\n"]
    return "".join(blocks).encode()


def pem_blocks(text: str) -> list[str]:
    """Each PEM within a text, or within what it is the base64 of, in its usual lines; the forms are those of `pem`."""
    found = _PEM.findall(_unescaped(text)) or _PEM.findall(_base64(text).decode(errors="replace"))
    return [f"-----BEGIN {label}-----\n{_lines(body)}-----END {label}-----\n" for label, body in found]


def _lines(body: str) -> str:
    letters = "".join(body.split())
    return "".join(f"{letters[place : place + 64]}\n" for place in range(0, len(letters), 64))


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(lambda found: "\n" if found[1] else "", text)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(_SEPARATORS.sub("", _unescaped(text)), validate=True)
    except (binascii.Error, ValueError):
        return b""
