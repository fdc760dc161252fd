"""What counts as this machine, and that its own pages and shops may use the sandbox, whatever port they are on."""

import re

from sandbox.deployed import Deployed

HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""As `urllib.parse` names hosts: without the brackets of IPv6."""
ORIGIN = r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?"
"""A browser's origin on this machine. Other spellings (127.1, 2130706433) are rewritten by browsers before they are sent."""
ANY_PORT = tuple(
    f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("127.0.0.1", "localhost", "[::1]")
)


def is_origin(text: str) -> bool:
    """Whether a browser's `Origin` is a page of this machine."""
    return re.fullmatch(ORIGIN, text) is not None


def receiver(text: str) -> str:
    """The address of a web server of this machine, as it is. Raises ValueError with the reason where it is none."""
    if not text.startswith("http://"):
        raise ValueError("must begin with http://, for it stays on this machine")
    found = re.fullmatch(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::([0-9]{1,5}))?(?:[/?][!-~]*)?", text)
    if found is None or not 0 < int(found[1] or 80) < 65536:
        raise ValueError(
            "must be on 127.0.0.1, localhost or [::1]: events are forwarded to this machine alone"
        )
    if set(text) & set("#\\"):
        raise ValueError("must have neither # nor a backslash in it")
    return text


def allow_returns(deployed: Deployed) -> None:
    """Let a checkout send its buyer back to any port of this machine, besides the origins that the stack allows.

    By the functions' environment and not by a parameter: the template's own rule refuses these origins, so that no
    stack can be deployed with them.
    """
    for function in deployed.functions.values():
        if "RETURN_ORIGINS" in function.environment:
            allowed = [function.environment["RETURN_ORIGINS"], *ANY_PORT]
            function.environment["RETURN_ORIGINS"] = ",".join(filter(None, allowed))
