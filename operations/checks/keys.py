"""Whether each key of the configuration can be read, and is the one that it should be."""

import time
from collections.abc import Callable, Generator

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from operations.checks.certificates import own_certificate, platform_certificate
from operations.checks.findings import Finding, Findings, Level, fault, good
from operations.configuration import CERTIFICATE, SECRETS, Configuration
from payments.core.access import MIN_KEY_CHARACTERS
from payments.storage.secret_members import Verification, merchant_certificate, signer
from wechatpay.decryption import apiv3_key
from wechatpay.errors import KeyFormatError
from wechatpay.keys import (
    checked_public_key_id,
    checked_serial,
    load_private_key,
    load_public_key,
)

_OWN_KEY = "paste apiclient_key.pem, the file that the certificate tool wrote beside apiclient_cert.pem"
_QUOTE_KEY = "make one with: openssl rand -hex 32, and give it to the backend that signs prices"
_ORIGIN_KEY = "make one with: openssl rand -hex 32, and have CloudFront send it to the API as X-Origin-Key"
_WECHAT_KEY = "download WeChat Pay's public key at pay.weixin.qq.com, Account centre, API security"


def check_keys(configuration: Configuration, *, now: Callable[[], float] = time.time) -> Findings:
    """Check every key and certificate; where none has a fault, read the secrets as functions do, which must succeed too."""
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
        yield from own_certificate(certificate, configuration, private_key, now())
    for name in ("WECHAT_API_V3_KEY", "WECHAT_API_V3_KEY_PREVIOUS"):
        yield from _apiv3_key(name, configuration.text(name))
    yield from _public_key(configuration, private_key)
    for place, platform in enumerate(configuration.platform_certificates, start=1):
        yield from platform_certificate(place, platform, now())
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
        yield from _shared_key(name, configuration.text(name), _QUOTE_KEY)
    if (
        not configuration.text("CLOUDFRONT_ORIGIN_KEY")
        and configuration.text("CLIENT_ADDRESS_FROM") == "cloudfront"
    ):
        yield fault(
            "CLOUDFRONT_ORIGIN_KEY is missing, and a buyer's address is CloudFront's to say", _ORIGIN_KEY
        )
    for name in ("CLOUDFRONT_ORIGIN_KEY", "CLOUDFRONT_ORIGIN_KEY_PREVIOUS"):
        yield from _shared_key(name, configuration.text(name), _ORIGIN_KEY)


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


def _shared_key(name: str, text: str, fix: str) -> Findings:
    if not text:
        return
    if len(text) < MIN_KEY_CHARACTERS:
        yield fault(f"{name} is {len(text)} characters long, not {MIN_KEY_CHARACTERS} or more", fix)
    elif "-----BEGIN" in text:
        yield fault(f"{name} is a key in PEM, not random characters", fix)
    else:
        yield good(f"{name} is {MIN_KEY_CHARACTERS} characters long or more")
