"""What a function's environment says of the merchant's apps at WeChat, and of the open platform that knows their buyers."""

from collections.abc import Mapping

from payments.apps import apps_of
from payments.core.errors import ConfigurationError
from payments.gateways import checked_origin, origin_of
from payments.variables import Variables


class AppSettings(Variables):
    """A part of `Settings`, and read like it."""

    @property
    def appid(self) -> str:
        """The app that orders belong to unless they name another."""
        return self._bare("WECHAT_APP_ID")

    @property
    def apps(self) -> Mapping[str, str]:
        """The appids that orders may be for, by the names that these call them by; `appid` is one of them."""
        return apps_of(self._list("WECHAT_APPS"), self.appid)

    @property
    def default_app(self) -> str:
        """The name among `apps` of the one that `appid` is."""
        return next(name for name, appid in self.apps.items() if appid == self.appid)

    @property
    def mini_programs(self) -> frozenset[str]:
        """The names among `apps` of those that are mini programs; the others ask the open platform as official accounts do."""
        names = frozenset(self._list("WECHAT_MINI_PROGRAMS"))
        if unknown := names - self.apps.keys():
            raise ConfigurationError(f"WECHAT_MINI_PROGRAMS names {min(unknown)}, and WECHAT_APPS does not")
        return names

    @property
    def open_platform(self) -> str:
        """Origin of WeChat's open platform, where codes are exchanged; it must be on the allow-list, without a path."""
        name, listed = "WECHAT_OPEN_PLATFORM", "WECHAT_OPEN_PLATFORMS_ALLOWED"
        return checked_origin(name, self._text(name), self._list(listed), listed=listed)

    @property
    def authorize_origin(self) -> str:
        """Origin of WeChat's page that a browser within WeChat is sent to; nothing secret goes there."""
        return origin_of("WECHAT_AUTHORIZE_ORIGIN", self._text("WECHAT_AUTHORIZE_ORIGIN"))

    @property
    def verify_files(self) -> list[str]:
        """Files that WeChat looks for at the domain's root: name=content."""
        return self._list("WECHAT_VERIFY_FILES")

    @property
    def apps_secret(self) -> str:
        """Id of the secret that holds the apps' own secrets."""
        return self._text("APPS_SECRET")
