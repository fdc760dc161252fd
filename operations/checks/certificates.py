"""Whether each certificate can be read, is the merchant's own or WeChat Pay's, and still lasts."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from operations.checks.findings import Finding, Findings, fault, good, warning
from operations.configuration import CERTIFICATE, Configuration
from wechatpay.errors import KeyFormatError
from wechatpay.keys import load_certificate, pem

ENDING_SOON_SECONDS = 30 * 86400  # seconds before a certificate's end from which it is spoken of


def own_certificate(
    text: str, configuration: Configuration, private_key: RSAPrivateKey | None, now: float
) -> Findings:
    """The merchant's own: it names the serial number, the key and the merchant number of the configuration, and lasts.

    `private_key` is the merchant's, None where it cannot be read; `now` in epoch seconds.
    """
    try:
        serial, public_key = load_certificate(text)
    except KeyFormatError:
        yield fault(f"{CERTIFICATE} is not a PEM certificate", "paste apiclient_cert.pem, or leave it out")
        return
    given = configuration.members(("WECHAT_CERT_SERIAL_NO",)).get("WECHAT_CERT_SERIAL_NO")
    if given and given != serial:
        yield fault(
            f"WECHAT_CERT_SERIAL_NO is not the serial number of {CERTIFICATE}", f"it should be {serial}"
        )
    elif given:
        yield good(f"WECHAT_CERT_SERIAL_NO is the serial number of {CERTIFICATE}")
    if private_key is not None and private_key.public_key() != public_key:
        yield fault(
            f"WECHAT_PRIVATE_KEY does not belong to {CERTIFICATE}",
            "take apiclient_key.pem and apiclient_cert.pem of the same application",
        )
    elif private_key is not None:
        yield good(f"WECHAT_PRIVATE_KEY belongs to {CERTIFICATE}")
    names = [str(part.value) for part in _x509(text).subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    mchid = configuration.text("WECHAT_MCH_ID")
    if mchid and names != [mchid]:
        yield fault(
            f"{CERTIFICATE} was made out to another merchant number than WECHAT_MCH_ID",
            "take number, key and certificate of the same merchant",
        )
    yield _dates(CERTIFICATE, text, now, "apply for a new one at pay.weixin.qq.com, API security")


def platform_certificate(place: int, text: str, now: float) -> Findings:
    """One of WeChat Pay's, the `place`th of its list, from 1: it can be read and lasts. `now` in epoch seconds."""
    name = f"WECHAT_PLATFORM_CERTIFICATES, number {place},"
    try:
        load_certificate(text)
    except KeyFormatError as problem:
        yield fault(f"{name} cannot be read: {problem}", "paste the platform certificate in PEM")
        return
    yield _dates(name, text, now, "put its successor beside it: WeChat Pay offers it weeks before")


def _dates(name: str, text: str, now: float, fix: str) -> Finding:
    certificate = _x509(text)
    begins = certificate.not_valid_before_utc.timestamp()
    ends = certificate.not_valid_after_utc.timestamp()
    day = certificate.not_valid_after_utc.date().isoformat()
    if now >= ends:
        return fault(f"{name} ended on {day}", fix)
    if now < begins:
        return fault(f"{name} is not valid yet", "check this machine's clock, and which certificate it is")
    if ends - now < ENDING_SOON_SECONDS:
        return warning(f"{name} ends on {day}, within thirty days", fix)
    return good(f"{name} is valid until {day}")


def _x509(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem(text, "CERTIFICATE"))
