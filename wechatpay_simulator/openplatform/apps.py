"""The merchant's apps at WeChat: their kinds and secrets, and the openids by which each knows its people."""

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.forgetting.bound import forget_first


class Kind(StrEnum):
    """What an app is. Only the first two ask the open platform for openids here."""

    OFFICIAL_ACCOUNT = "official account"
    MINI_PROGRAM = "mini program"
    MOBILE = "mobile app"


@dataclass(frozen=True)
class App:
    """One app that is bound to the merchant number."""

    appid: str
    kind: Kind
    secret: str | None = field(repr=False)


class Apps:
    """The apps by appid. A person, any name, has one openid with each, the same every time, and one unionid over all."""

    def __init__(self, credentials: Credentials) -> None:
        mine = credentials
        self._apps = {
            app.appid: app
            for app in (
                App(mine.appid, Kind.OFFICIAL_ACCOUNT, mine.app_secret),
                App(mine.mini_program_appid, Kind.MINI_PROGRAM, mine.mini_program_secret),
                App(mine.mobile_appid, Kind.MOBILE, None),
            )
        }
        self._salt = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._appid_of: dict[str, str] = {}

    def find(self, appid: str) -> App | None:
        """The app, or None when it is not bound to this merchant."""
        return self._apps.get(appid)

    def of_kind(self, kind: Kind) -> App:
        """The one app of this kind."""
        return next(app for app in self._apps.values() if app.kind is kind)

    def openid(self, appid: str, person: str) -> str:
        """28 characters: who the person is to this app."""
        openid = self._named("o", f"{appid} {person}")
        with self._lock:
            self._appid_of[openid] = appid
        return openid

    def unionid(self, person: str) -> str:
        """28 characters: who the person is to all apps of one owner."""
        return self._named("u", person)

    def belongs(self, openid: str, appid: str) -> bool:
        """False for an openid that was handed out by another app. What nobody has handed out may be anybody's."""
        with self._lock:
            return self._appid_of.get(openid, appid) == appid

    def forget(self, most: int) -> None:
        """Keep the newest `most` of whose the openids are."""
        with self._lock:
            forget_first(self._appid_of, most)

    def _named(self, first: str, text: str) -> str:
        digest = hashlib.sha256(f"{self._salt} {first} {text}".encode()).digest()
        return first + base64.urlsafe_b64encode(digest).decode()[:27]
