"""What an official account gets for a code besides the openid: an access token, and one to renew it by."""

import secrets
import threading
from typing import Any

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.forgetting.bound import forget_first
from wechatpay_simulator.openplatform.apps import Apps
from wechatpay_simulator.openplatform.codes import Grant
from wechatpay_simulator.openplatform.errcodes import ErrcodeError

ACCESS_SECONDS = 7200  # WeChat, Web authorization, step 2
REFRESH_SECONDS = 30 * 86400  # the same, step 3


class Tokens:
    """All tokens that were handed out."""

    def __init__(self, apps: Apps, clock: Timepiece) -> None:
        self._apps = apps
        self._clock = clock
        self._lock = threading.Lock()
        self._access: dict[str, tuple[Grant, float]] = {}
        self._refresh: dict[str, tuple[Grant, float]] = {}

    def granted(self, grant: Grant) -> dict[str, Any]:
        """The answer with new tokens of both kinds."""
        refresh_token = _new_token()
        with self._lock:
            self._refresh[refresh_token] = (grant, self._clock.time() + REFRESH_SECONDS)
        return self._answer(grant, refresh_token)

    def refreshed(self, appid: str, refresh_token: str) -> dict[str, Any]:
        """The answer with a new access token. Raises ErrcodeError."""
        with self._lock:
            grant, expires_at = self._refresh.get(refresh_token, (None, 0.0))
        if grant is None or grant.appid != appid:
            raise ErrcodeError(40030)
        if self._clock.time() >= expires_at:
            raise ErrcodeError(42002)
        return self._answer(grant, refresh_token)

    def forget(self, most: int) -> None:
        """Keep the newest `most` of each kind."""
        with self._lock:
            forget_first(self._access, most)
            forget_first(self._refresh, most)

    def require(self, access_token: str, openid: str) -> None:
        """Raises ErrcodeError unless it is a good token of this person."""
        with self._lock:
            grant, expires_at = self._access.get(access_token, (None, 0.0))
        if grant is None:
            raise ErrcodeError(40014)
        if self._clock.time() >= expires_at:
            raise ErrcodeError(42001)
        if self._apps.openid(grant.appid, grant.person) != openid:
            raise ErrcodeError(40003)

    def _answer(self, grant: Grant, refresh_token: str) -> dict[str, Any]:
        access_token = _new_token()
        with self._lock:
            self._access[access_token] = (grant, self._clock.time() + ACCESS_SECONDS)
        unionid = {"unionid": self._apps.unionid(grant.person)} if grant.scope == "snsapi_userinfo" else {}
        return {
            "access_token": access_token,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh_token,
            "openid": self._apps.openid(grant.appid, grant.person),
            "scope": grant.scope,
            **unionid,
        }


def _new_token() -> str:
    return f"99_{secrets.token_urlsafe(64)}"
