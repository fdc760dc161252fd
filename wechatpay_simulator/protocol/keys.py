"""Which of WeChat Pay's keys signs what: public key, platform certificate, or two of them during a change."""

import random
import threading
from dataclasses import dataclass
from typing import Any

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.protocol.signing import Signer

MODES = ("pubkey", "cert", "two-certs", "mixed")
PERCENTAGE = 50.0  # of what is drawn, unless told otherwise

_SEEDS = 2**32


@dataclass(frozen=True)
class PlatformCertificate:
    """A certificate that merchants can download: its serial number and its PEM text."""

    serial_no: str
    pem: str


class Keys:
    """Signers by mode. What WeChat Pay decides by a share of the traffic is drawn with a seeded random.

    - `pubkey`: the WeChat Pay public key signs.
    - `cert`: the platform certificate signs.
    - `two-certs`: two platform certificates overlap; the newer signs `percentage` of everything (WeChat Pay APIv3, Changing
      platform certificates).
    - `mixed`: the merchant changes from certificate to public key. A response is signed by the public key when the request
      names it in Wechatpay-Serial, of the notifications `percentage` are (WeChat Pay APIv3, From platform certificates to
      the public key).
    """

    def __init__(self, credentials: Credentials, clock: Timepiece, *, mode: str) -> None:
        mine = credentials
        self._public_key_id = mine.wechat_public_key_id
        self._public = Signer(serial=self._public_key_id, private_key=mine.wechat_private_key, clock=clock)
        self._old = Signer(serial=mine.platform_serial_no, private_key=mine.platform_private_key, clock=clock)
        self._new = Signer(
            serial=mine.platform_serial_no_new, private_key=mine.platform_private_key_new, clock=clock
        )
        self._certificates = (
            PlatformCertificate(mine.platform_serial_no, mine.platform_certificate),
            PlatformCertificate(mine.platform_serial_no_new, mine.platform_certificate_new),
        )
        self._lock = threading.Lock()
        self._percentage = PERCENTAGE
        self._sow(random.randrange(_SEEDS))
        self._mode = ""
        self.change(mode=mode)

    def change(
        self, *, mode: str | None = None, percentage: float | None = None, seed: int | None = None
    ) -> None:
        """Sign differently from now on; None leaves something as it is. Raises ValueError for an unknown mode."""
        if mode is not None and mode not in MODES:
            raise ValueError(f"there is no mode {mode!r}")
        with self._lock:
            self._mode = self._mode if mode is None else mode
            self._percentage = self._percentage if percentage is None else percentage
            if seed is not None:
                self._sow(seed)

    def for_response(self, asked: str | None) -> Signer:
        """The signer of a response, when the request's Wechatpay-Serial was `asked`."""
        with self._lock:
            if self._mode == "mixed":
                return self._public if asked == self._public_key_id else self._old
            return self._drawn(self._responses)

    def named(self, serial: str) -> Signer | None:
        """The key of this serial number or id, when it is in use in the mode of the moment, or None."""
        with self._lock:
            return next((key for key in self._in_use() if key.serial == serial), None)

    def for_notification(self, asked: str | None = None) -> Signer:
        """The signer of a notification. Merchants have no say in it, but for one that they `asked` for by a key's name."""
        if asked is not None and (key := self.named(asked)) is not None:
            return key
        with self._lock:
            if self._mode == "mixed":
                return self._public if self._newer_is_due(self._notifications) else self._old
            return self._drawn(self._notifications)

    def certificates(self) -> tuple[PlatformCertificate, ...]:
        """What merchants can download now, the older first; nothing when there is only the public key."""
        with self._lock:
            return self._listed()

    def shown(self) -> dict[str, Any]:
        """How things are signed now, and the serial numbers of the certificates that can be downloaded."""
        with self._lock:
            return {
                "mode": self._mode,
                "percentage": self._percentage,
                "seed": self._seed,
                "publicKeyId": self._public_key_id if self._mode in {"pubkey", "mixed"} else None,
                "certificates": [each.serial_no for each in self._listed()],
            }

    def _sow(self, seed: int) -> None:
        """Two sequences: when a notification is repeated, which is a matter of time, must not change what answers draw."""
        self._seed = seed
        self._responses, self._notifications = random.Random(seed), random.Random(seed)

    def _drawn(self, sequence: random.Random) -> Signer:
        if self._mode == "pubkey":
            return self._public
        return self._new if self._mode == "two-certs" and self._newer_is_due(sequence) else self._old

    def _newer_is_due(self, sequence: random.Random) -> bool:
        return sequence.random() * 100 < self._percentage

    def _in_use(self) -> tuple[Signer, ...]:
        if self._mode == "mixed":
            return (self._public, self._old)
        if self._mode == "pubkey":
            return (self._public,)
        return (self._old, self._new) if self._mode == "two-certs" else (self._old,)

    def _listed(self) -> tuple[PlatformCertificate, ...]:
        if self._mode == "pubkey":
            return ()
        return self._certificates if self._mode == "two-certs" else self._certificates[:1]
