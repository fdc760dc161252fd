"""What the merchant sets in WeChat Pay's console: which API certificates are accepted, and the APIv3 key."""

import threading
from typing import Any

from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.protocol.signing import MerchantKey

CERTIFICATES = ("old", "both", "new")


class MerchantKeys:
    """The merchant's side of a change of keys.

    - `certificates`: which of the two API certificates sign requests that are let in. While one is replaced, both do; then
      the merchant revokes the old one (WeChat Pay APIv3, Replacing the merchant API certificate).
    - `api_v3_key`: what is encrypted is encrypted with it, from the moment it is set (WeChat Pay APIv3, APIv3 key).
    """

    def __init__(self, credentials: Credentials) -> None:
        mine = credentials
        self._both = {
            "old": (mine.merchant_serial_no, MerchantKey(mine.merchant_certificate)),
            "new": (mine.merchant_serial_no_new, MerchantKey(mine.merchant_certificate_new)),
        }
        self._lock = threading.Lock()
        self._certificates = "old"
        self._api_v3_key = mine.api_v3_key

    def change(self, *, certificates: str | None = None, api_v3_key: str | None = None) -> None:
        """Go by these from now on; None leaves something as it is."""
        with self._lock:
            self._certificates = certificates or self._certificates
            self._api_v3_key = api_v3_key or self._api_v3_key

    def find(self, serial_no: str) -> MerchantKey | None:
        """The key of the accepted certificate with this serial number, in either case, or None."""
        return dict(self._accepted()).get(serial_no.upper())  # SDKs in use send it in lower case, too

    def signed(self, text: bytes, signature: str) -> bool:
        """Whether one of the accepted certificates' keys made this signature: parameters of a cashier do not name theirs."""
        return any(key.signed(text, signature) for _, key in self._accepted())

    def known(self) -> tuple[tuple[str, MerchantKey], ...]:
        """Serial number and key of both API certificates, whether they are accepted now or not."""
        return tuple(self._both.values())

    @property
    def api_v3_key(self) -> str:
        """The APIv3 key of the moment."""
        with self._lock:
            return self._api_v3_key

    def shown(self) -> dict[str, Any]:
        """The serial numbers of the accepted certificates; the APIv3 key is not shown."""
        return {"merchantCertificates": [serial_no for serial_no, _ in self._accepted()]}

    def _accepted(self) -> list[tuple[str, MerchantKey]]:
        with self._lock:
            return [each for which, each in self._both.items() if self._certificates in (which, "both")]
