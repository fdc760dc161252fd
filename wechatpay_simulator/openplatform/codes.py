"""Codes: what WeChat gives a page or a mini program for the person in front of it. Five minutes, once."""

import secrets
import string
import threading
from dataclasses import dataclass

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.forgetting.bound import forget_first
from wechatpay_simulator.openplatform.errcodes import ErrcodeError

LIFE_SECONDS = 300  # WeChat, Web authorization, step 1; wx.login
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Grant:
    """Who a code stands for, to which app, and what that app may know of them."""

    appid: str
    person: str
    scope: str


class Codes:
    """All codes that were handed out."""

    def __init__(self, clock: Timepiece) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._live: dict[str, tuple[Grant, float]] = {}
        self._used: set[str] = set()

    def new(self, grant: Grant) -> str:
        """32 letters and digits."""
        code = "0" + "".join(secrets.choice(_ALPHABET) for _ in range(31))
        with self._lock:
            self._live[code] = (grant, self._clock.time() + LIFE_SECONDS)
        return code

    def forget(self, most: int) -> None:
        """Keep the newest `most`."""
        with self._lock:
            self._used.difference_update(forget_first(self._live, most))

    def redeemed(self, code: str, appid: str) -> Grant:
        """What it stands for; it is used up by that, and by another app's trying it. Raises ErrcodeError."""
        with self._lock:
            if code in self._used:
                raise ErrcodeError(40163)
            if code not in self._live:
                raise ErrcodeError(40029)
            grant, expires_at = self._live[code]
            if self._clock.time() >= expires_at:
                raise ErrcodeError(42003)
            self._used.add(code)
            if grant.appid != appid:
                raise ErrcodeError(40029)
            return grant
