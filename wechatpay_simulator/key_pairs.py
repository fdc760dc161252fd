"""Throw-away RSA keys and self-signed certificates for both sides, in PEM."""

import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

PLATFORM = "Tenpay.com sign"  # the common name of WeChat Pay's own certificates


def new_key() -> rsa.RSAPrivateKey:
    """RSA-2048."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """PKCS#8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def belong_together(private_key: str, public_key: PublicKeyTypes) -> bool:
    """Whether what this PEM's key signs is verified by `public_key`. Raises ValueError for what is no PEM of a key."""
    # Checking the numbers of one key takes 35 ms, a tenth of a start; a signature that holds proves as much in two.
    key = load_pem_private_key(private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey) or not isinstance(public_key, rsa.RSAPublicKey):
        return False
    try:
        public_key.verify(key.sign(b"", PKCS1v15(), hashes.SHA256()), b"", PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, InternalError, ValueError):
        return False
    return True


def pair(whose: str, suffix: str, *, common_name: str = PLATFORM, successor: bool = False) -> dict[str, str]:
    """Certificate, private key and serial number of a new key pair, as the fields with this beginning and end.

    A successor begins and ends later than what it will replace: SDKs take the one that began last for the newer.
    """
    key = new_key()
    certificate = _self_signed(key, common_name=common_name, successor=successor)
    return {
        f"{whose}_certificate{suffix}": certificate.public_bytes(Encoding.PEM).decode("ascii"),
        f"{whose}_private_key{suffix}": private_pem(key),
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
