"""What merchant and WeChat Pay know of each other, both halves: made once, kept in one JSON file."""

import json
import os
import re
import secrets
import string
import tempfile
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wechatpay_simulator.key_pairs import PLATFORM, belong_together, new_key, pair, private_pem, public_pem

_SECOND = ("certificate_new", "private_key_new", "serial_no_new")
_APPS = ("app_secret", "mini_program_appid", "mini_program_secret", "mobile_appid")
_APP_IDS = ("appid", "mini_program_appid", "mobile_appid")
_NUMBER = re.compile("[0-9A-Za-z_]+")  # they stand in headers and in what is signed
_ALPHANUMERIC = string.ascii_letters + string.digits


class CredentialsError(Exception):
    """The credentials file cannot be used; the sentence says why and holds no key."""


@dataclass(frozen=True)
class Credentials:
    """One merchant number and the key pairs of both sides. Keys and certificates are PEM text.

    `api_v3_key` is 32 ASCII characters; certificate serial numbers are 40 upper-case hex digits; `wechat_public_key_id` is
    `PUB_KEY_ID_` and digits (WeChat Pay APIv3, Certificates and keys). The platform certificate called new is the one that
    will replace the other, and so is the merchant's.

    Three apps are bound to the merchant number: `appid` is an official account's, the others are a mini program's and a
    mobile app's. An app's secret is 32 hex digits, for the open platform alone.
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
    app_secret: str = field(repr=False)
    mini_program_appid: str
    mini_program_secret: str = field(repr=False)
    mobile_appid: str

    @classmethod
    def load_or_create(cls, path: str | Path) -> Self:
        """Read the JSON file at `path`, or write a new one with mode 0600.

        A file from before there were second certificates of platform and merchant, or other apps, gets them added.
        Raises CredentialsError when the file is there but is not such a JSON, or its keys do not belong together, or when it
        cannot be written. (Windows knows no such modes: there the folder says who may read it.)
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
        wechat_key = new_key()
        return cls(
            mchid=mchid,
            appid=_new_appid(),
            api_v3_key=_random(32, _ALPHANUMERIC),
            # The layout of a real one: 01, the merchant number, the day, and fourteen digits more.
            wechat_public_key_id=f"PUB_KEY_ID_01{mchid}{datetime.now(UTC):%Y%m%d}{_random(14, string.digits)}",
            wechat_public_key=public_pem(wechat_key),
            wechat_private_key=private_pem(wechat_key),
            **pair("merchant", "", common_name=mchid),
            **pair("merchant", "_new", common_name=mchid, successor=True),
            **pair("platform", ""),
            **pair("platform", "_new", successor=True),
            **_new_apps(),
        )

    @classmethod
    def _load(cls, path: Path) -> Self:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CredentialsError(f"{path} cannot be read as JSON ({type(error).__name__})") from None
        if not isinstance(document, dict):
            document = {}
        names = {"merchant": str(document.get("mchid")), "platform": PLATFORM}
        older = [
            whose for whose in names if not any(_wire_name(f"{whose}_{name}") in document for name in _SECOND)
        ]
        for whose in older:
            added = pair(whose, "_new", common_name=names[whose], successor=True)
            document |= {_wire_name(name): value for name, value in added.items()}
        if not any(_wire_name(name) in document for name in _APPS):
            older.append("apps")
            document |= {_wire_name(name): value for name, value in _new_apps().items()}
        values: dict[str, str] = {}
        for name in (member.name for member in fields(cls)):
            value = document.get(_wire_name(name))
            if not isinstance(value, str):
                raise CredentialsError(f"{path} has no text under {_wire_name(name)!r}")
            values[name] = value
        credentials = cls(**values)
        try:
            credentials._check()
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # a TypeError of a key with a password
            raise CredentialsError(f"{path} is not usable: {error}") from None
        if older:
            credentials._save(path)
        return credentials

    def _check(self) -> None:
        """Raise ValueError when a key cannot be parsed or two halves do not belong together."""
        if len(self.api_v3_key.encode()) != 32:
            raise ValueError("apiV3Key is not 32 bytes long")
        for name in ("mchid", "wechat_public_key_id", *_APP_IDS):
            if not _NUMBER.fullmatch(getattr(self, name)):
                raise ValueError(f"{_wire_name(name)} is not of letters, digits and _ alone")
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
            if not belong_together(key_pem, certificate.public_key()):
                raise ValueError(f"certificate and private key of {whose} do not belong together")
            if serial_no != f"{certificate.serial_number:040X}":
                raise ValueError(f"the serial number of {whose} is not that of its certificate")
        if not belong_together(self.wechat_private_key, load_pem_public_key(self.wechat_public_key.encode())):
            raise ValueError("wechatPublicKey and wechatPrivateKey do not belong together")

    def _save(self, path: Path) -> None:
        document = {_wire_name(member.name): getattr(self, member.name) for member in fields(self)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whoever waits for the file must never see half of it; mkstemp creates it with mode 0600.
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.write("\n")
            Path(temporary).replace(path)
        except OSError as error:
            raise CredentialsError(f"{path} cannot be written: {error.strerror}") from None


def _wire_name(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _random(length: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _new_appid() -> str:
    return "wx" + secrets.token_hex(8)


def _new_apps() -> dict[str, str]:
    return {
        "app_secret": secrets.token_hex(16),
        "mini_program_appid": _new_appid(),
        "mini_program_secret": secrets.token_hex(16),
        "mobile_appid": _new_appid(),
    }
