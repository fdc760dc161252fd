"""The merchant's apps at WeChat by the names that orders call them by, as the parameter WeChatApps lists them."""

from collections.abc import Iterable

from payments.core.errors import ConfigurationError

DEFAULT = "default"  # what the one app is called where none is listed
MAX_NAME_CHARACTERS = 16
_LISTED = "WECHAT_APPS"


def apps_of(pairs: Iterable[str], default: str) -> dict[str, str]:
    """Each app's appid by its name, from pairs like `mini=wx8888888888888888`; `default` is the appid of WECHAT_APP_ID.

    Without pairs there is that one alone, called `default`; otherwise it must be one of theirs. Raises ConfigurationError.
    """
    apps: dict[str, str] = {}
    for pair in pairs:
        name, _, appid = (part.strip() for part in pair.partition("="))
        if not _is_name(name):
            raise ConfigurationError(
                f"{_LISTED} must be pairs like mini=wx8888888888888888, each name a small letter and at most"
                f" {MAX_NAME_CHARACTERS - 1} small letters, digits and hyphens"
            )
        if not is_appid(appid):
            raise ConfigurationError(f"{_LISTED} has no appid for {name}: wx and 16 letters or digits")
        if name in apps:
            raise ConfigurationError(f"{_LISTED} has the name {name} twice")
        if appid in apps.values():
            raise ConfigurationError(f"{_LISTED} has the appid {appid} twice")
        apps[name] = appid
    if apps and default not in apps.values():
        raise ConfigurationError(f"WECHAT_APP_ID must be one of the appids in {_LISTED}: it is the default")
    return apps or {DEFAULT: default}


def is_appid(text: str) -> bool:
    """Whether WeChat names an app like this: wx and 16 letters or digits."""
    return len(text) == 18 and text.startswith("wx") and text.isascii() and text.isalnum()


def _is_name(text: str) -> bool:
    small = text.replace("-", "a").isalnum() and text.isascii() and text == text.lower()
    return small and text[0].isalpha() and len(text) <= MAX_NAME_CHARACTERS
