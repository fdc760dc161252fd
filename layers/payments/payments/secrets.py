"""The secrets: read from Secrets Manager, kept for five minutes, parsed once, re-read once when a key is unknown."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payments.errors import ConfigurationError, TryAgainError
from payments.quotes import SHORTEST_KEY
from wechatpay.decryption import apiv3_key
from wechatpay.errors import DecryptionError, KeyFormatError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.notification import Sealed
from wechatpay.signing import MerchantSigner

LIFETIME = 300  # seconds that a secret is kept
PATIENCE = 60  # seconds between two early re-reads: inbound headers must not turn into a storm of calls
SOON = 10  # seconds after a read that failed: before WeChat Pay comes again with what it could not deliver, after 15

PLATFORM_CERTIFICATES = (
    "WECHAT_PLATFORM_CERTIFICATES"  # list of PEM, in the verification secret and among the downloaded
)

T = TypeVar("T")
log = logging.getLogger(__name__)


class Cached(Generic[T]):
    """One secret: a JSON object, parsed by `parse` once per content. `client` is a Secrets Manager client.

    A value that is there is kept in use when a later read fails or finds nonsense: old keys are better than none.
    `absent` is the text to go by while the secret has no value yet.
    """

    def __init__(
        self,
        *,
        client: Any,
        secret_id: str,
        parse: Callable[[dict[str, Any]], T],
        clock: Callable[[], float],
        absent: str | None = None,
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._parse = parse
        self._clock = clock
        self._absent = absent
        self._text: str | None = None
        self._value: T | None = None
        self._due = 0.0  # when the next read must be
        self._early = 0.0  # when the next read may be

    def value(self) -> T:
        """The parsed secret, at most five minutes old, or as old as it must be while it cannot be read.

        Raises ConfigurationError when it is not there or unusable, TryAgainError when it cannot be reached.
        """
        if self._value is None or self._clock() >= self._due:
            self._read()
        assert self._value is not None  # noqa: S101  _read sets it or raises
        return self._value

    def reread(self) -> bool:
        """Read again before the time, at most once a minute; whether something else is there now."""
        if self._clock() < self._early:
            return False
        before = self._text
        self._read()
        return self._text != before

    def _read(self) -> None:
        now = self._clock()
        # Until it has worked: a failure must not count as a look, or the next one would come a minute too late.
        self._due = self._early = now + SOON
        try:
            text = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        except (BotoCoreError, ClientError) as problem:
            if self._value is not None:
                return
            text = self._without(problem)
        self._due, self._early = now + LIFETIME, now + PATIENCE
        if text == self._text:
            return
        try:
            self._value = self._parsed(text)
        except ConfigurationError:
            if self._value is None:
                raise
            log.exception("a secret was changed to something unusable; the old one stays in use")
            return
        self._text = text

    def _without(self, problem: BotoCoreError | ClientError) -> str:
        """The text to go by when there was never one; raises what the caller should do about it."""
        code = problem.response["Error"]["Code"] if isinstance(problem, ClientError) else ""
        if code == "ResourceNotFoundException" and self._absent is not None:
            return self._absent
        if code in ("ResourceNotFoundException", "AccessDeniedException"):
            raise ConfigurationError(f"the secret {self._secret_id} cannot be read: {code}") from problem
        raise TryAgainError("The keys could not be read.") from problem

    def _parsed(self, text: str) -> T:
        try:
            members = json.loads(text)
        except ValueError:
            # Not chained: the decoder's exception holds the whole text.
            raise ConfigurationError(f"the secret {self._secret_id} is not JSON") from None
        if not isinstance(members, dict):
            raise ConfigurationError(f"the secret {self._secret_id} is not a JSON object")
        try:
            return self._parse(members)
        except (KeyError, KeyFormatError) as problem:
            raise ConfigurationError(f"the secret {self._secret_id}: {problem}") from problem


def _text(members: dict[str, Any], name: str) -> str:
    """A member's text, "" where there is none. Raises KeyFormatError naming a member of another type."""
    value = members.get(name) or ""
    if not isinstance(value, str):
        raise KeyFormatError(f"{name} must be text")
    return value


def _certificates(members: dict[str, Any]) -> tuple[str, ...]:
    """The platform certificates' texts. Raises KeyFormatError when they are anything else."""
    texts = members.get(PLATFORM_CERTIFICATES) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise KeyFormatError(f"{PLATFORM_CERTIFICATES} must be a list of texts")
    return tuple(texts)


def signer(members: dict[str, Any], *, mchid: str) -> MerchantSigner:
    """The merchant's signer from the signing secret."""
    key = load_private_key(str(members["WECHAT_PRIVATE_KEY"]))
    return MerchantSigner(mchid, str(members["WECHAT_CERT_SERIAL_NO"]), key)


def checkout_keys(members: dict[str, Any]) -> tuple[str, ...]:
    """The keys of checkout addresses, from the secret that the stack makes for itself: the first signs, all of them open.

    The next one is known everywhere before it signs, the previous one for as long as what it signed is in use.
    """
    names = ("CHECKOUT_KEY", "CHECKOUT_KEY_NEXT", "CHECKOUT_KEY_PREVIOUS")
    keys = tuple(str(members[name]) for name in names if name == "CHECKOUT_KEY" or members.get(name))
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise KeyFormatError(f"a key of checkout addresses has fewer than {SHORTEST_KEY} characters")
    return keys


def merchant_certificate(members: dict[str, Any]) -> tuple[str, str] | None:
    """The merchant's API certificate (PEM) and the serial number that signs, if the signing secret holds both.

    Nothing is signed or verified with it: it tells how long the key is good for.
    """
    text = members.get("WECHAT_CERTIFICATE")
    return (str(text), str(members["WECHAT_CERT_SERIAL_NO"])) if text else None


class Verification:
    """What the verification secret says. Its repr shows no key."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.platform_certificates = _certificates(members)
        self.ring = KeyRing.of(
            public_key_id=_text(members, "WECHAT_PUBLIC_KEY_ID"),
            public_key=_text(members, "WECHAT_PUBLIC_KEY"),
            platform_certificates=self.platform_certificates,
        )
        # Where the key is missing, its length is refused; the others may be absent.
        previous = _text(members, "WECHAT_API_V3_KEY_PREVIOUS")
        self.apiv3_keys = [apiv3_key(_text(members, "WECHAT_API_V3_KEY"))]
        self.apiv3_keys += [apiv3_key(previous)] if previous else []
        quotes = (_text(members, "WECHAT_QUOTE_KEY"), _text(members, "WECHAT_QUOTE_KEY_PREVIOUS"))
        self.quote_keys: tuple[str, ...] = tuple(key for key in quotes if key)


class Downloaded:
    """The platform certificates that the scheduled function has downloaded, authenticated and stored."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.platform_certificates = _certificates(members)
        self.ring = KeyRing.of(platform_certificates=self.platform_certificates)


class CurrentKeys:
    """WeChat Pay's keys as the secrets hold them now; an unknown serial re-reads them once.

    What was downloaded counts for a merchant whose own secret names a platform certificate, and is read for nobody else.
    Implements `wechatpay.keys.VerificationKeys`.
    """

    def __init__(self, secret: Cached[Verification], downloaded: Cached[Downloaded]) -> None:
        self._secret = secret
        self._downloaded = downloaded

    def find(self, serial: str) -> RSAPublicKey | None:
        """The key with exactly this serial or id, or None."""
        key = self._known(serial)
        if key is None and self._reread():
            key = self._known(serial)
        return key

    @property
    def preferred(self) -> str | None:
        """The id that requests name in `Wechatpay-Serial`."""
        return self._secret.value().ring.preferred

    def open(self, sealed: Sealed) -> dict[str, object]:
        """Decrypt a notification; when no APIv3 key fits, the secret is re-read once. Raises DecryptionError."""
        try:
            return sealed.open(self._apiv3_keys())
        except DecryptionError:
            if not self._secret.reread():
                raise
            return sealed.open(self._apiv3_keys())

    def _known(self, serial: str) -> RSAPublicKey | None:
        verification = self._secret.value()
        key = verification.ring.find(serial)
        if key is None and verification.platform_certificates:
            key = self._downloaded.value().ring.find(serial)
        return key

    def _reread(self) -> bool:
        changed = self._secret.reread()
        if self._secret.value().platform_certificates:
            changed = self._downloaded.reread() or changed
        return changed

    def _apiv3_keys(self) -> Sequence[bytes]:
        return self._secret.value().apiv3_keys
