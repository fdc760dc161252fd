"""The two secrets: read from Secrets Manager, kept for five minutes, parsed once, re-read once when a key is unknown."""

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

T = TypeVar("T")
log = logging.getLogger(__name__)


class Cached(Generic[T]):
    """One secret: a JSON object, parsed by `parse` once per content. `client` is a Secrets Manager client.

    A value that is there is kept in use when a later read fails or finds nonsense: old keys are better than none.
    """

    def __init__(
        self, *, client: Any, secret_id: str, parse: Callable[[dict[str, Any]], T], clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._parse = parse
        self._clock = clock
        self._text: str | None = None
        self._value: T | None = None
        self._read_at = 0.0

    def value(self) -> T:
        """The parsed secret, at most five minutes old. Raises ConfigurationError when it is not there
        or unusable, TryAgainError when it cannot be reached."""
        if self._value is None or self._clock() - self._read_at >= LIFETIME:
            self._read()
        assert self._value is not None  # noqa: S101  _read sets it or raises
        return self._value

    def reread(self) -> bool:
        """Read again before the time, at most once a minute; whether something else is there now."""
        if self._clock() - self._read_at < PATIENCE:
            return False
        before = self._text
        self._read()
        return self._text != before

    def _read(self) -> None:
        self._read_at = self._clock()
        try:
            text = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        except (BotoCoreError, ClientError) as problem:
            if self._value is not None:
                return
            self._read_at = 0.0
            code = problem.response["Error"]["Code"] if isinstance(problem, ClientError) else ""
            if code in ("ResourceNotFoundException", "AccessDeniedException"):
                raise ConfigurationError(f"the secret {self._secret_id} cannot be read: {code}") from problem
            raise TryAgainError("The keys could not be read.") from problem
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


class Verification:
    """What the verification secret says. Its repr shows no key."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.ring = KeyRing.of(
            public_key_id=members.get("WECHAT_PUBLIC_KEY_ID"),
            public_key=members.get("WECHAT_PUBLIC_KEY"),
            platform_certificates=members.get("WECHAT_PLATFORM_CERTIFICATES") or (),
        )
        previous = members.get("WECHAT_API_V3_KEY_PREVIOUS")
        self.apiv3_keys = [apiv3_key(key) for key in (members["WECHAT_API_V3_KEY"], previous) if key]
        self.quote_key: str | None = members.get("WECHAT_QUOTE_KEY")


class CurrentKeys:
    """WeChat Pay's keys as the secret holds them now; an unknown serial re-reads the secret once.

    Implements `wechatpay.keys.VerificationKeys`.
    """

    def __init__(self, secret: Cached[Verification]) -> None:
        self._secret = secret

    def find(self, serial: str) -> RSAPublicKey | None:
        """The key with exactly this serial or id, or None."""
        key = self._secret.value().ring.find(serial)
        if key is None and self._secret.reread():
            key = self._secret.value().ring.find(serial)
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

    def _apiv3_keys(self) -> Sequence[bytes]:
        return self._secret.value().apiv3_keys
