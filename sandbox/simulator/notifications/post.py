"""One POST to a merchant on this machine, and to no other: no proxy, no redirect, five seconds."""

import http.client
from urllib.parse import urlsplit

# Seconds of real time (WeChat Pay APIv3, Payment notification: answer within five seconds).
ANSWER_TIMEOUT_SECONDS = 5.0

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def on_this_machine(url: str) -> bool:
    """Whether the host of `url` is a loopback name. Nothing else is ever contacted."""
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def post(url: str, headers: dict[str, str], body: bytes) -> int | str:
    """The HTTP status of the answer, whose body is not read; `timeout` or `unreachable` when there was none.

    Raises ValueError for a host that is not this machine.
    """
    if not on_this_machine(url):
        raise ValueError("notifications go to this machine only")
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connect(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    except ValueError:  # a port above 65535
        return "unreachable"
    try:
        connection.request("POST", parts.path or "/", body=body, headers=headers)
        return connection.getresponse().status
    except TimeoutError:
        return "timeout"
    except (OSError, http.client.HTTPException, UnicodeError):
        return "unreachable"
    finally:
        connection.close()
