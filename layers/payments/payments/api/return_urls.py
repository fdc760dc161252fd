"""Where a buyer may be sent after the payment: an address on an origin that the operator allows, and nothing else.

Browsers and libraries read odd addresses differently (backslashes, control characters, userinfo, missing slashes). So
nothing odd is accepted at all, and what is left has one reading.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from payments.core.errors import ParameterError

MAX_URL_CHARACTERS = 2048
_FIELD = "returnUrl"


def check(url: str, *, allowed_origins: Collection[str]) -> None:
    """Raise ParameterError unless `url` is absolute, plain, and on one of the origins (`https://shop.example`)."""
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
    if f"{scheme}://{host}".lower() not in allowed_origins:
        raise ParameterError(_FIELD, "must be on one of the stack's ReturnOrigins")
