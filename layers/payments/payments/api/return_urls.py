"""Where a buyer may be sent after the payment: an address on an origin that the operator allows, and nothing else.

Browsers and libraries read odd addresses differently (backslashes, control characters, userinfo, missing slashes). So
nothing odd is accepted at all, and what is left has one reading.
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from payments.core.errors import ParameterError

MAX_URL_CHARACTERS = 2048
_FIELD = "returnUrl"
_LOOPBACK = re.compile(r"(https?://(?:127\.0\.0\.1|localhost|\[::1\]))(?::[0-9]{1,5})?")


def check(url: str, *, allowed_origins: Collection[str]) -> None:
    """Raise ParameterError unless `url` is absolute, plain, and on one of the origins (`https://shop.example`).

    The port of a loopback origin may be `*` for all of them. The template refuses such an origin: it is the sandbox's alone.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise ParameterError(_FIELD, f"must have at most {MAX_URL_CHARACTERS} characters")
    if not all("!" <= character <= "~" for character in url) or set(url) & set("\\\"<>`'"):
        raise ParameterError(
            _FIELD, "must be visible ASCII without quotes and backslashes; percent-encode the rest"
        )
    scheme, slashes, _ = url.partition("://")
    try:
        host = urlsplit(url).netloc
    except ValueError:
        host = ""
    if not slashes or not host or scheme.lower() not in ("https", "http"):
        raise ParameterError(_FIELD, "must be an absolute https address")
    if "@" in host:
        raise ParameterError(_FIELD, "must not have a user name in it")
    if not _allowed(f"{scheme}://{host}".lower(), allowed_origins):
        raise ParameterError(_FIELD, "must be on one of the stack's ReturnOrigins")


def _allowed(origin: str, allowed_origins: Collection[str]) -> bool:
    if loopback := _LOOPBACK.fullmatch(origin):
        return origin in allowed_origins or f"{loopback[1]}:*" in allowed_origins
    return origin in allowed_origins and "*" not in origin
