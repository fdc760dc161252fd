"""Which hosts may get requests that are signed with the merchant's key, or hold an app's secret."""

import re
from collections.abc import Collection

from payments.core.errors import ConfigurationError

# https to a name, not to a number: keys or what they signed go there. http is for this machine alone.
_ORIGIN = re.compile(r"https://([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]{1,5})?|http://127\.0\.0\.1:[0-9]{1,5}")


def checked_gateway(name: str, value: str, allowed: Collection[str]) -> str:
    """The origin that the variable `name` has; on the allow-list, in small letters, without a path. Raises ConfigurationError."""
    gateway = value.removesuffix("/")
    if "/" in gateway.partition("://")[2]:
        raise ConfigurationError(
            f"{name} must not have a path: APIv3 has no sandbox of WeChat Pay's; this project's is `make demo`"
        )
    return checked_origin(name, gateway, allowed, listed="WECHAT_GATEWAYS_ALLOWED")


def checked_origin(name: str, value: str, allowed: Collection[str], *, listed: str) -> str:
    """The origin that the variable `name` has, in small letters and without a path; `allowed` is what `listed` allows.

    Raises ConfigurationError.
    """
    origin = origin_of(name, value)
    if origin not in allowed:
        raise ConfigurationError(f"{name} is not one of {listed}")
    return origin


def origin_of(name: str, value: str) -> str:
    """The origin that the variable `name` has, in small letters and without a path. Raises ConfigurationError."""
    origin = value.removesuffix("/")
    if not _ORIGIN.fullmatch(origin):
        raise ConfigurationError(f"{name} must be https:// and a host name in small letters, nothing more")
    return origin
