"""What merchant and WeChat Pay know of each other, both halves: made once, kept in one JSON file."""

import json
import os
import secrets
import string
import tempfile
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID

_SECOND = ("certificate_new", "private_key_new", "serial_no_new")
PLATFORM = "Tenpay.com sign"  # the common name of WeChat Pay's own certificates
_ALPHANUMERIC = string.ascii_letters + string.digits


class CredentialsError(Exception):
    """The credentials file cannot be used; the sentence says why and holds no key."""


@dataclass(frozen=True)
class Credentials:
    """One merchant number and the key pairs of both sides. Keys and certificates are PEM text.

    `api_v3_key` is 32 ASCII characters; certificate serial numbers are 40 upper-case hex digits; `wechat_public_key_id` is
    `PUB_KEY_ID_` and digits (WeChat Pay APIv3, Certificates and keys). The platform certificate called new is the one that
    will replace the other, and so is the merchant's.
    """

    mchid: str
    appid: str
    api_v3_key: str = field(repr=False)
    merchant_private_key: str = field(repr=False)
    merchant_certificate: str = field(repr=False)
    merchant_serial_no: str
    merchant_private_key_new: str = field(repr=False)
    merchant_certificate_new: str = field(repr=False)
    merchant_serial_no_new: str
    wechat_public_key_id: str
    wechat_public_key: str = field(repr=False)
    wechat_private_key: str = field(repr=False)
    platform_certificate: str = field(repr=False)
    platform_private_key: str = field(repr=False)
    platform_serial_no: str
    platform_certificate_new: str = field(repr=False)
    platform_private_key_new: str = field(repr=False)
    platform_serial_no_new: str

    @classmethod
    def load_or_create(cls, path: str | Path) -> Self:
        """Read the JSON file at `path`, or write a new one with mode 0600.

        A file from before there were second certificates of platform and merchant gets them added.
        Raises CredentialsError when the file is there but is not such a JSON, or its keys do not belong together.
        """
        path = Path(path)
        if path.exists():
            return cls._load(path)
        credentials = cls.create()
        credentials._save(path)
        return credentials

    @classmethod
    def create(cls) -> Self:
        """Fresh throw-away credentials: five RSA-2048 key pairs and four self-signed certificates."""
        mchid = "16" + _random(8, string.digits)
        wechat_key = _new_key()
        return cls(
            mchid=mchid,
            appid="wx" + secrets.token_hex(8),
            api_v3_key=_random(32, _ALPHANUMERIC),
            # The layout of a real one: 01, the merchant number, the day, and fourteen digits more.
            wechat_public_key_id=f"PUB_KEY_ID_01{mchid}{datetime.now(UTC):%Y%m%d}{_random(14, string.digits)}",
            wechat_public_key=_public_pem(wechat_key),
            wechat_private_key=_private_pem(wechat_key),
            **_pair("merchant", "", common_name=mchid),
            **_pair("merchant", "_new", common_name=mchid, successor=True),
            **_pair("platform", ""),
            **_pair("platform", "_new", successor=True),
        )

    @classmethod
    def _load(cls, path: Path) -> Self:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CredentialsError(f"{path} cannot be read as JSON ({type(error).__name__})") from None
        if not isinstance(document, dict):
            document = {}
        names = {"merchant": str(document.get("mchid")), "platform": PLATFORM}
        older = [
            whose for whose in names if not any(_wire_name(f"{whose}_{name}") in document for name in _SECOND)
        ]
        for whose in older:
            added = _pair(whose, "_new", common_name=names[whose], successor=True)
            document |= {_wire_name(name): value for name, value in added.items()}
        values: dict[str, str] = {}
        for name in (member.name for member in fields(cls)):
            value = document.get(_wire_name(name))
            if not isinstance(value, str):
                raise CredentialsError(f"{path} has no text under {_wire_name(name)!r}")
            values[name] = value
        credentials = cls(**values)
        try:
            credentials._check()
        except ValueError as error:
            raise CredentialsError(f"{path} is not usable: {error}") from None
        if older:
            credentials._save(path)
        return credentials

    def _check(self) -> None:
        """Raise ValueError when a key cannot be parsed or two halves do not belong together."""
        if len(self.api_v3_key.encode()) != 32:
            raise ValueError("apiV3Key is not 32 bytes long")
        certificates = {
            "the merchant": (self.merchant_certificate, self.merchant_private_key, self.merchant_serial_no),
            "the new merchant": (
                self.merchant_certificate_new,
                self.merchant_private_key_new,
                self.merchant_serial_no_new,
            ),
            "the platform": (self.platform_certificate, self.platform_private_key, self.platform_serial_no),
            "the new platform": (
                self.platform_certificate_new,
                self.platform_private_key_new,
                self.platform_serial_no_new,
            ),
        }
        for whose, (certificate_pem, key_pem, serial_no) in certificates.items():
            certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
            if certificate.public_key() != load_pem_private_key(key_pem.encode(), None).public_key():
                raise ValueError(f"certificate and private key of {whose} do not belong together")
            if serial_no != f"{certificate.serial_number:040X}":
                raise ValueError(f"the serial number of {whose} is not that of its certificate")
        public_key = load_pem_public_key(self.wechat_public_key.encode())
        if public_key != load_pem_private_key(self.wechat_private_key.encode(), None).public_key():
            raise ValueError("wechatPublicKey and wechatPrivateKey do not belong together")

    def _save(self, path: Path) -> None:
        document = {_wire_name(member.name): getattr(self, member.name) for member in fields(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever waits for the file must never see half of it; mkstemp creates it with mode 0600.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
        Path(temporary).replace(path)


def _wire_name(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _random(length: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _pair(whose: str, suffix: str, *, common_name: str = PLATFORM, successor: bool = False) -> dict[str, str]:
    """Certificate, private key and serial number of a new key pair, as the fields with this beginning and end.

    A successor begins and ends later than what it will replace: SDKs take the one that began last for the newer.
    """
    key = _new_key()
    certificate = _self_signed(key, common_name=common_name, successor=successor)
    return {
        f"{whose}_certificate{suffix}": certificate.public_bytes(Encoding.PEM).decode("ascii"),
        f"{whose}_private_key{suffix}": _private_pem(key),
        f"{whose}_serial_no{suffix}": f"{certificate.serial_number:040X}",
    }


def _self_signed(key: rsa.RSAPrivateKey, *, common_name: str, successor: bool) -> x509.Certificate:
    """Begun a month ago, and good for five years; a successor begun yesterday, and good for six."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "WeChat Pay simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    now = datetime.now(UTC)
    begun, years = (1, 6) if successor else (30, 5)
    # A first byte of 0x10 to 0x7F gives exactly forty hex digits and a positive number.
    serial_number = int.from_bytes(bytes([0x10 + secrets.randbelow(0x70)]) + secrets.token_bytes(19))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(now - timedelta(days=begun))
        .not_valid_after(now + timedelta(days=years * 365))
        .sign(key, hashes.SHA256())
    )
