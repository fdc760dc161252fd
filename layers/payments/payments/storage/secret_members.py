"""What the secrets hold: the one reading of their members, for functions, `make doctor` and `make secret` alike.

People store them in the console's two editors, from files and by other tools, so every form whose meaning is certain is
taken. Whatever else is refused by the member's name and the rule, never with a value.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from payments.core.access import MIN_KEY_CHARACTERS
from payments.core.errors import ConfigurationError
from wechatpay.decryption import apiv3_key
from wechatpay.errors import KeyFormatError
from wechatpay.keys import (
    KeyRing,
    bare,
    checked_public_key_id,
    checked_serial,
    load_certificate,
    load_private_key,
    load_public_key,
    pem_blocks,
)
from wechatpay.signing import MerchantSigner

# List of PEM, in the verification secret and among the downloaded.
PLATFORM_CERTIFICATES = "WECHAT_PLATFORM_CERTIFICATES"

# Of the app that orders are for by default; another app's has _ and its name behind it.
APP_SECRET = "WECHAT_APP_SECRET"  # noqa: S105  a name

T = TypeVar("T")
Content = str | bytes
Members = Mapping[str, Any]


def content_of(found: Mapping[str, Any]) -> Content:
    """What an answer of GetSecretValue holds, text or bytes."""
    content: Content = found.get("SecretString") or found.get("SecretBinary") or ""
    return content


def members_of(content: Content) -> dict[str, Any]:
    """The members of a secret, which is one JSON object; line ends may stand in its texts as they are.

    Raises KeyFormatError.
    """
    try:
        members = json.loads(bare(content) if isinstance(content, str) else content, strict=False)
    except (ValueError, RecursionError):
        # Not chained: the decoder's exception holds the whole text.
        raise KeyFormatError("the content is not JSON") from None
    if not isinstance(members, dict):
        raise KeyFormatError("the content is not a JSON object")
    return {bare(name): value for name, value in members.items()}


def text(members: Members, name: str) -> str:
    """A member without what stands around it, "" where there is none. Raises KeyFormatError naming another type."""
    return bare(_verbatim(members, name))


def certificate_texts(members: Members) -> tuple[str, ...]:
    """The platform certificates, each a text of its own: from a list, from such a list as text, or from one text.

    The console's key/value editor makes texts of everything. Raises KeyFormatError for other types.
    """
    value = members.get(PLATFORM_CERTIFICATES)
    if isinstance(value, str) and bare(value).startswith("["):
        # Where it is none, escaped once more or written by hand: what is PEM in it is found all the same.
        with suppress(ValueError, RecursionError):
            value = json.loads(bare(value), strict=False)
    texts = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise KeyFormatError(f"{PLATFORM_CERTIFICATES} must be a list of texts")
    return tuple(found for each in texts if bare(each) for found in pem_blocks(each) or [bare(each)])


def signer(members: Members, *, mchid: str) -> MerchantSigner:
    """The merchant's signer from the signing secret. Raises KeyFormatError."""
    serial_no = _serial(members)
    return MerchantSigner(mchid, serial_no, _read(members, "WECHAT_PRIVATE_KEY", load_private_key))


def merchant_certificate(members: Members) -> tuple[str, str] | None:
    """The merchant's API certificate (PEM) and the serial number that signs, if the signing secret holds both.

    Nothing is signed or verified with it: it tells how long the key is good for. Raises KeyFormatError.
    """
    certificate = text(members, "WECHAT_CERTIFICATE")
    return (certificate, _serial(members)) if certificate else None


def checkout_keys(members: Members) -> tuple[str, ...]:
    """The keys of checkout addresses, from the secret that the stack makes for itself: the first signs, all of them open.

    The next one is known everywhere before it signs, the previous one for as long as what it signed is in use. Taken as
    they stand: nobody else has them. Raises KeyFormatError.
    """
    names = ("CHECKOUT_KEY", "CHECKOUT_KEY_NEXT", "CHECKOUT_KEY_PREVIOUS")
    held = {name: _verbatim(members, name) for name in names}
    for name, key in held.items():
        if len(bare(key)) < MIN_KEY_CHARACTERS and (key or name == "CHECKOUT_KEY"):
            raise KeyFormatError(f"{name} has fewer than {MIN_KEY_CHARACTERS} characters")
    return tuple(key for key in held.values() if key)


class Verification:
    """What the verification secret says. Its repr shows no key. Raises KeyFormatError."""

    def __init__(self, members: Members) -> None:
        self.platform_certificates = certificate_texts(members)
        self.ring = KeyRing(_public_key(members) | _certified(self.platform_certificates))
        self.apiv3_keys = [_read(members, "WECHAT_API_V3_KEY", apiv3_key)]
        if text(members, "WECHAT_API_V3_KEY_PREVIOUS"):
            self.apiv3_keys.append(_read(members, "WECHAT_API_V3_KEY_PREVIOUS", apiv3_key))
        quotes = [_verbatim(members, name) for name in ("WECHAT_QUOTE_KEY", "WECHAT_QUOTE_KEY_PREVIOUS")]
        # With the line end at its end and without: by which the product's backend signs nobody can see from here.
        every = dict.fromkeys(each for key in quotes for each in (bare(key), key))
        # One that is too short to be good must not spoil the other; with none left, `quotes` refuses by that rule.
        self.quote_keys = tuple(key for key in every if len(bare(key)) >= MIN_KEY_CHARACTERS)
        origins = (
            text(members, name) for name in ("CLOUDFRONT_ORIGIN_KEY", "CLOUDFRONT_ORIGIN_KEY_PREVIOUS")
        )
        self.origin_keys = tuple(key for key in origins if len(key) >= MIN_KEY_CHARACTERS)


class Downloaded:
    """The platform certificates that the scheduled function has downloaded, authenticated and stored."""

    def __init__(self, members: Members) -> None:
        self.platform_certificates = certificate_texts(members)
        self.ring = KeyRing(_certified(self.platform_certificates))


class AppSecrets:
    """The AppSecrets of the merchant's apps, for WeChat's open platform. Its repr shows none. Raises KeyFormatError.

    An app is called by its name as in `WECHAT_APP_SECRET_mini`, or as variables are spelt: `WECHAT_APP_SECRET_MINI`, with _
    for a hyphen.
    """

    def __init__(self, members: Members) -> None:
        self._secrets = {
            spelt(name): secret
            for name in members
            if spelt(name).startswith(APP_SECRET) and (secret := _app_secret(members, name))
        }

    def of(self, app: str, *, is_default: bool) -> str:
        """The secret of the app with this name. Raises ConfigurationError where there is none."""
        names = [f"{APP_SECRET}_{app}", *([APP_SECRET] if is_default else [])]
        found = next((self._secrets[name] for name in map(spelt, names) if name in self._secrets), None)
        if found is None:
            raise ConfigurationError(f"the secret of apps has no {' and no '.join(names)}")
        return found


def spelt(name: str) -> str:
    """A member's name as a variable is spelt: in capital letters, with _ for a hyphen."""
    return name.upper().replace("-", "_")


def _app_secret(members: Members, name: str) -> str:
    secret = text(members, name)
    if not all("!" <= character <= "~" for character in secret):
        raise KeyFormatError(f"{name} has blanks, line ends or letters that no AppSecret has")
    return secret


def _verbatim(members: Members, name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise KeyFormatError(f"{name} must be text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise KeyFormatError(f"{name} must be text: it has half a character") from None
    return value


def _read(members: Members, name: str, read: Callable[[str], T]) -> T:
    """What `read` makes of a member that must be there."""
    value = text(members, name)
    if not value:
        raise KeyFormatError(f"{name} is missing")
    try:
        return read(value)
    except KeyFormatError as problem:
        raise KeyFormatError(f"{name}: {problem}") from None


def _serial(members: Members) -> str:
    return _read(members, "WECHAT_CERT_SERIAL_NO", checked_serial)


def _public_key(members: Members) -> dict[str, Any]:
    names = ("WECHAT_PUBLIC_KEY_ID", "WECHAT_PUBLIC_KEY")
    if not any(text(members, name) for name in names):
        return {}
    return {_read(members, names[0], checked_public_key_id): _read(members, names[1], load_public_key)}


def _certified(texts: tuple[str, ...]) -> dict[str, Any]:
    keys = {}
    for place, each in enumerate(texts, start=1):
        try:
            serial, key = load_certificate(each)
        except KeyFormatError as problem:
            raise KeyFormatError(f"{PLATFORM_CERTIFICATES}, number {place}: {problem}") from None
        keys[serial] = key
    return keys
