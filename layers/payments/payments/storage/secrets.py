"""The secrets: read from Secrets Manager, kept for five minutes, parsed once, re-read once when a key is unknown."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payments.core.errors import ConfigurationError, TryAgainError
from payments.storage.secret_members import Content, Downloaded, Verification, content_of, members_of
from wechatpay.errors import DecryptionError, KeyFormatError
from wechatpay.notification import Sealed

CACHE_SECONDS = 300  # seconds that a secret is kept
# Seconds between two early re-reads: inbound headers must not turn into a storm of calls.
MIN_REREAD_SECONDS = 60
RETRY_SECONDS = 10  # seconds after a read that failed: before WeChat Pay comes again with what it could not deliver, after 15

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
        self._content: Content | None = None  # of the value in use
        self._value: T | None = None
        self._due = 0.0  # when the next read must be
        self._early = 0.0  # when the next read may be
        self._outdated = False  # the last read failed, or found nonsense

    def value(self) -> T:
        """The parsed secret, at most five minutes old, or as old as it must be while it cannot be read.

        Raises ConfigurationError when it is not there or unusable, TryAgainError when it cannot be reached.
        """
        if self._content is None or self._clock() >= self._due:
            self._read()
        return cast("T", self._value)  # _read sets it or raises

    def require_current(self) -> None:
        """For whoever is about to refuse what the value does not fit: TryAgainError where a newer value may fit it.

        That is so while the last read failed or found nonsense; it says when the next read is.
        """
        if self._outdated:
            wait = max(1, math.ceil(self._due - self._clock()))
            raise TryAgainError("The keys could not be read.", retry_after=wait)

    def reread(self) -> bool:
        """Read again before the time, at most once a minute; whether something else is there now."""
        if self._clock() < self._early:
            return False
        before = self._content
        self._read()
        return self._content != before

    def _read(self) -> None:
        now = self._clock()
        # Until it has worked: a failure must not count as a look, or the next one would come a minute too late.
        self._due = self._early = now + RETRY_SECONDS
        try:
            content = content_of(self._client.get_secret_value(SecretId=self._secret_id))
        except (BotoCoreError, ClientError) as problem:
            if self._content is not None:
                self._outdated = True
                return
            content = self._without(problem)
        self._due, self._early = now + CACHE_SECONDS, now + MIN_REREAD_SECONDS
        self._outdated = False
        if content == self._content:
            return
        try:
            self._value = self._parsed(content)
        except ConfigurationError:
            if self._content is None:
                raise
            self._outdated = True
            log.exception("a secret was changed to something unusable; the old one stays in use")
            return
        self._content = content

    def _without(self, problem: BotoCoreError | ClientError) -> Content:
        """The content to go by when there was never one; raises what the caller should do about it."""
        code = problem.response["Error"]["Code"] if isinstance(problem, ClientError) else ""
        if code == "ResourceNotFoundException" and self._absent is not None:
            return self._absent
        if code in ("ResourceNotFoundException", "AccessDeniedException"):
            raise ConfigurationError(f"the secret {self._secret_id} cannot be read: {code}") from problem
        raise TryAgainError("The keys could not be read.") from problem

    def _parsed(self, content: Content) -> T:
        try:
            return self._parse(members_of(content))
        except KeyFormatError as problem:
            raise ConfigurationError(f"the secret {self._secret_id}: {problem}") from None


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

    @property
    def serials(self) -> tuple[str, ...]:
        """The serials and ids of all keys in use, each once, the public key's first."""
        verification = self._secret.value()
        known = verification.ring.serials
        if verification.platform_certificates:
            known += self._downloaded.value().ring.serials
        return tuple(dict.fromkeys(known))

    @property
    def for_encryption(self) -> str:
        """The id or serial of the key to encrypt for: the public key, or else the certificate that begins last.

        So do WeChat Pay's own SDKs choose while two certificates stand side by side.
        """
        if (public_key_id := self.preferred) is not None:
            return public_key_id
        from wechatpay.certificates import Certificate  # noqa: PLC0415  for this alone

        texts = self._secret.value().platform_certificates + self._downloaded.value().platform_certificates
        return max(map(Certificate.of, texts), key=lambda certificate: certificate.begins).serial

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
