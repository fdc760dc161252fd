"""Keys and certificates: whether each can be read, and whether what must belong together does."""

import time
from collections.abc import Callable, Generator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import NameOID

from operations.configuration import CERTIFICATE, SECRETS, Configuration
from operations.findings import Finding, Findings, Level, fault, good, warning
from payments.core.access import MIN_KEY_CHARACTERS
from payments.storage.secret_members import Verification, merchant_certificate, signer
from wechatpay.decryption import apiv3_key
from wechatpay.errors import KeyFormatError
from wechatpay.keys import (
    checked_public_key_id,
    checked_serial,
    load_certificate,
    load_private_key,
    load_public_key,
    pem,
)

ENDING_SOON_SECONDS = 30 * 86400  # seconds before a certificate's end from which it is spoken of
_OWN_KEY = "paste apiclient_key.pem, the file that the certificate tool wrote beside apiclient_cert.pem"
_QUOTE_KEY = "make one with: openssl rand -hex 32, and give it to the backend that signs prices"
_WECHAT_KEY = "download WeChat Pay's public key at pay.weixin.qq.com, Account centre, API security"


def check_keys(configuration: Configuration, *, now: Callable[[], float] = time.time) -> Findings:
    """All of it; where nothing is found, the functions' own reading has the last word."""
    sound = True
    for finding in _each(configuration, now):
        sound = sound and finding.level is not Level.FAULT
        yield finding
    if sound:
        yield from _as_functions_read(configuration)


def _as_functions_read(configuration: Configuration) -> Findings:
    signing, verification = (configuration.given(names) for names in SECRETS.values())
    try:
        signer(signing, mchid="1")  # the number has a check of its own
        merchant_certificate(signing)
        Verification(verification)
    except KeyFormatError as problem:
        yield fault(f"{problem}", "no function can start with it: put this member right")


def _each(configuration: Configuration, now: Callable[[], float]) -> Findings:
    if others := configuration.not_text():
        yield from (fault(f"{name} must be text", "put it between double quotes") for name in others)
        return
    private_key = yield from _private_key(configuration.text("WECHAT_PRIVATE_KEY"))
    yield from _serial(configuration.text("WECHAT_CERT_SERIAL_NO"))
    if certificate := configuration.text(CERTIFICATE):
        yield from _own_certificate(certificate, configuration, private_key, now())
    for name in ("WECHAT_API_V3_KEY", "WECHAT_API_V3_KEY_PREVIOUS"):
        yield from _apiv3_key(name, configuration.text(name))
    yield from _public_key(configuration, private_key)
    for place, platform in enumerate(configuration.platform_certificates, start=1):
        yield from _platform_certificate(place, platform, now())
    if not (
        configuration.text("WECHAT_PUBLIC_KEY_ID")
        or configuration.text("WECHAT_PUBLIC_KEY")
        or configuration.platform_certificates
    ):
        yield fault(
            "WECHAT_PUBLIC_KEY_ID with WECHAT_PUBLIC_KEY is missing: nothing would prove what WeChat Pay says",
            f"{_WECHAT_KEY}, with its id; an older merchant gives WECHAT_PLATFORM_CERTIFICATES",
        )
    if not configuration.text("WECHAT_QUOTE_KEY") and configuration.text("REQUIRE_QUOTE") != "false":
        yield fault("WECHAT_QUOTE_KEY is missing, and a buyer's order needs a signed price", _QUOTE_KEY)
    for name in ("WECHAT_QUOTE_KEY", "WECHAT_QUOTE_KEY_PREVIOUS"):
        yield from _quote_key(name, configuration.text(name))


def _private_key(text: str) -> Generator[Finding, None, RSAPrivateKey | None]:
    name = "WECHAT_PRIVATE_KEY"
    if not text:
        yield fault(f"{name} is missing", _OWN_KEY)
        return None
    try:
        key = load_private_key(text)
    except KeyFormatError as problem:
        yield fault(f"{name} {_not_a_private_key(text) or f'cannot be read: {problem}'}", _OWN_KEY)
        return None
    if key.key_size != 2048:
        yield fault(f"{name} has {key.key_size} bits, WeChat Pay's certificates have 2048", _OWN_KEY)
        return None
    try:
        # The check that each start of a function leaves out.
        load_der_private_key(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), None)
    except ValueError:
        yield fault(f"{name} is damaged: its numbers do not make a key", _OWN_KEY)
        return None
    yield good(f"{name} is a sound RSA key of 2048 bits")
    return key


def _not_a_private_key(text: str) -> str:
    if "BEGIN CERTIFICATE" in text:
        return "holds a certificate, not a private key"
    if "BEGIN PUBLIC KEY" in text:
        return "holds a public key, not a private key"
    if "ENCRYPTED" in text:
        return "is locked with a passphrase"
    if text.strip().endswith((".pem", ".key")):
        return "holds the name of a file, not the key"
    return ""


def _serial(text: str) -> Findings:
    name = "WECHAT_CERT_SERIAL_NO"
    fix = (
        "take it from pay.weixin.qq.com, API security, or: openssl x509 -in apiclient_cert.pem -noout -serial"
    )
    if not text:
        yield fault(f"{name} is missing", fix)
    elif text.startswith("PUB_KEY_ID_"):
        yield fault(f"{name} holds the id of WeChat Pay's public key, not the merchant certificate's", fix)
    else:
        try:
            checked_serial(text)
        except KeyFormatError as problem:
            yield fault(f"{name} is {problem}", fix)
        else:
            yield good(f"{name} has the form of a serial number")


def _own_certificate(
    text: str, configuration: Configuration, private_key: RSAPrivateKey | None, now: float
) -> Findings:
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


def _platform_certificate(place: int, text: str, now: float) -> Findings:
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


def _apiv3_key(name: str, text: str) -> Findings:
    fix = "it is the 32 characters that you chose at pay.weixin.qq.com, API security, APIv3 key"
    if not text:
        if not name.endswith("_PREVIOUS"):
            yield fault(f"{name} is missing", fix)
        return
    try:
        apiv3_key(text)
    except KeyFormatError as problem:
        yield fault(f"{name}: {problem}", fix)
    else:
        yield good(f"{name} has 32 characters")


def _public_key(configuration: Configuration, private_key: RSAPrivateKey | None) -> Findings:
    key_id, text = configuration.text("WECHAT_PUBLIC_KEY_ID"), configuration.text("WECHAT_PUBLIC_KEY")
    if not (key_id or text):
        return
    if not key_id:
        yield fault("WECHAT_PUBLIC_KEY has no WECHAT_PUBLIC_KEY_ID", "copy the id from where the key was")
    else:
        try:
            checked_public_key_id(key_id)
        except KeyFormatError as problem:
            yield fault(
                f"WECHAT_PUBLIC_KEY_ID is {problem}",
                "copy the whole id from pay.weixin.qq.com, API security, WeChat Pay public key",
            )
        else:
            yield good("WECHAT_PUBLIC_KEY_ID has the form of a public key id")
    if not text:
        yield fault("WECHAT_PUBLIC_KEY_ID has no WECHAT_PUBLIC_KEY", _WECHAT_KEY)
        return
    try:
        key: RSAPublicKey = load_public_key(text)
    except KeyFormatError as problem:
        if "BEGIN CERTIFICATE" in text:
            yield fault(
                "WECHAT_PUBLIC_KEY holds a certificate",
                "a platform certificate goes into WECHAT_PLATFORM_CERTIFICATES",
            )
        else:
            yield fault(f"WECHAT_PUBLIC_KEY cannot be read: {problem}", _WECHAT_KEY)
        return
    if private_key is not None and private_key.public_key() == key:
        yield fault("WECHAT_PUBLIC_KEY is the half of your own private key, not WeChat Pay's", _WECHAT_KEY)
        return
    yield good("WECHAT_PUBLIC_KEY can be read")


def _quote_key(name: str, text: str) -> Findings:
    if not text:
        return
    if len(text) < MIN_KEY_CHARACTERS:
        yield fault(f"{name} is {len(text)} characters long, not {MIN_KEY_CHARACTERS} or more", _QUOTE_KEY)
    elif "-----BEGIN" in text:
        yield fault(f"{name} is a key in PEM, and no quote is good by it", _QUOTE_KEY)
    else:
        yield good(f"{name} is {MIN_KEY_CHARACTERS} characters long or more")
