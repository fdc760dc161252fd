"""What a certificate says of itself, for those who store or report certificates: whose it is, and from when to when.

Source: WeChat Pay APIv3, "Certificates and keys" and "Platform certificate replacement".
"""

from dataclasses import dataclass, field

from cryptography import x509

from wechatpay.errors import CertificateError
from wechatpay.keys import load_certificate, pem

AUTHORITY = "Tenpay.com"  # in the names of subject and issuer of every platform certificate; a merchant's has its mchid
MIN_KEY_BITS = 2048  # bits
DAY = 86400  # seconds


@dataclass(frozen=True)
class Certificate:
    """One X.509 certificate with an RSA key: serial number (40 hex digits), names, and its time in epoch seconds."""

    serial: str
    text: str = field(repr=False)
    subject: str
    issuer: str
    begins: float
    ends: float
    key_size: int  # bits

    @classmethod
    def of(cls, text: str) -> "Certificate":
        """From PEM. Raises KeyFormatError."""
        serial, key = load_certificate(text)
        parsed = x509.load_pem_x509_certificate(pem(text, "CERTIFICATE"))
        return cls(
            serial=serial,
            text=text,
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            begins=parsed.not_valid_before_utc.timestamp(),
            ends=parsed.not_valid_after_utc.timestamp(),
            key_size=key.key_size,
        )

    def days_left(self, now: float) -> float:
        """Days until it ends, less than zero afterwards; `now` in epoch seconds."""
        return (self.ends - now) / DAY


def check_platform(certificate: Certificate, *, now: float) -> None:
    """Raise CertificateError unless this can be a platform certificate in use around `now`.

    No proof of its origin: that is the signature over the answer that it came in, and the APIv3 key that opened it.
    """
    if certificate.ends <= now:
        raise CertificateError("it has ended")
    if certificate.begins > now + DAY:
        raise CertificateError("it begins more than a day from now")
    if certificate.key_size < MIN_KEY_BITS:
        raise CertificateError(f"its key has fewer than {MIN_KEY_BITS} bits")
    if AUTHORITY not in certificate.subject or AUTHORITY not in certificate.issuer:
        raise CertificateError(f"its subject and issuer do not both name {AUTHORITY}")
