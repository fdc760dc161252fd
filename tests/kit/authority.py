"""A certificate authority of a test: servers under its certificates, sound and faulty ones."""

import datetime as dt
import ipaddress
import ssl
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = dt.datetime.fromtimestamp(time.time(), dt.UTC)
DAY = dt.timedelta(days=1)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test authority")])


class Authority:
    """A certificate authority in a folder: `context(…)` is a server's side of TLS under a certificate of it."""

    def __init__(self, folder: Path, name: x509.Name = NAME) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name
        authority = self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = folder / "authority.pem"
        self.file.write_bytes(authority.public_bytes(Encoding.PEM))

    def context(self, *, host: str = "127.0.0.1", ended: bool = False, own: bool = False) -> ssl.SSLContext:
        """For `host`; `ended` yesterday; signed by its `own` key."""
        key = ec.generate_private_key(ec.SECP256R1())
        named: x509.GeneralName = x509.DNSName(host)
        if host[0].isdigit():
            named = x509.IPAddress(ipaddress.ip_address(host))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        extension = x509.SubjectAlternativeName([named])
        certificate = self._certificate(subject, key, extension, ended=ended, signer=key if own else None)
        file = self._folder / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: Any, extension: Any, *, ended: bool = False, signer: Any = None
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name if signer is None else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 30 * DAY)
            .not_valid_after(NOW - DAY if ended else NOW + DAY)
            .add_extension(extension, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_issued_by(signer or self._key), critical=False)
            .add_extension(_usage(signs=key is self._key), critical=True)
        )
        return builder.sign(signer or self._key, SHA256())


# What RFC 5280 asks for, and Python 3.13 insists on.
def _issued_by(key: Any) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, signs: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    unused = dict.fromkeys((*others, "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs, crl_sign=signs, **unused)
