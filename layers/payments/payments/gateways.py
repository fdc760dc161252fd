"""Which hosts may get requests that are signed with the merchant's key."""

import re
from collections.abc import Collection

from payments.core.errors import ConfigurationError

# https to a name, not to a number: what is signed with the merchant's key goes there. http is for this machine alone.
_GATEWAY = re.compile(r"https://([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]{1,5})?|http://127\.0\.0\.1:[0-9]{1,5}")


def checked_gateway(name: str, value: str, allowed: Collection[str]) -> str:
    """The origin that the variable `name` has; on the allow-list, in small letters, without a path. Raises ConfigurationError."""
    gateway = value.removesuffix("/")
    if "/" in gateway.partition("://")[2]:
        raise ConfigurationError(
            f"{name} must not have a path: APIv3 has no sandbox of WeChat Pay's; this project's is `make demo`"
        )
    if not _GATEWAY.fullmatch(gateway):
        raise ConfigurationError(f"{name} must be https:// and a host name in small letters, nothing more")
    if gateway not in allowed:
        raise ConfigurationError(f"{name} is not one of WECHAT_GATEWAYS_ALLOWED")
    return gateway
