"""The stack's secrets as its functions read them: what signs, what verifies WeChat Pay, what was downloaded, what opens a checkout,
what the open platform knows the apps by.

Each is read from Secrets Manager when its value is first asked for, and then kept for a while (`storage.secrets`).
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, TypeVar

from payments.settings import Settings
from payments.storage.secret_members import (
    AppSecrets,
    Downloaded,
    Verification,
    checkout_keys,
    merchant_certificate,
    signer,
)
from payments.storage.secrets import Cached, CurrentKeys
from wechatpay.signing import MerchantSigner

T = TypeVar("T")


class StackSecrets:
    """Which secret says what. `client` gives a Secrets Manager client, `clock` epoch seconds.

    Nothing here asks AWS; the values do (`Cached.value`).
    """

    def __init__(self, settings: Settings, *, client: Callable[[], Any], clock: Callable[[], float]) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock

    @cached_property
    def verification(self) -> Cached[Verification]:
        """The secret that verifies WeChat Pay."""
        return self._secret(self._settings.verification_secret, Verification)

    @cached_property
    def keys(self) -> CurrentKeys:
        """WeChat Pay's verification keys."""
        return CurrentKeys(self.verification, self.downloaded)

    @cached_property
    def downloaded(self) -> Cached[Downloaded]:
        """The secret of downloaded platform certificates."""
        return self._secret(self._settings.certificates_secret, Downloaded, absent="{}")

    @cached_property
    def signing(self) -> Cached[MerchantSigner]:
        """The secret that signs for the merchant."""
        return self._secret(self._settings.signing_secret, partial(signer, mchid=self._settings.mchid))

    @cached_property
    def merchant_certificate(self) -> Cached[tuple[str, str] | None]:
        """The merchant's API certificate and the serial number in use, from the signing secret."""
        return self._secret(self._settings.signing_secret, merchant_certificate)

    @cached_property
    def checkout_key(self) -> Cached[tuple[str, ...]]:
        """The secret keys of checkout addresses: the first signs, any of them opens."""
        return self._secret(self._settings.checkout_secret, checkout_keys)

    @cached_property
    def apps(self) -> Cached[AppSecrets]:
        """The secret of the apps' own secrets, for WeChat's open platform."""
        return self._secret(self._settings.apps_secret, AppSecrets, absent="{}")

    def _secret(
        self, secret_id: str, parse: Callable[[dict[str, Any]], T], absent: str | None = None
    ) -> Cached[T]:
        client = self._client()
        return Cached(client=client, secret_id=secret_id, parse=parse, clock=self._clock, absent=absent)
