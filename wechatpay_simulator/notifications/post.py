"""One POST to a merchant on this machine, and to no other that was not named: no proxy, no redirect, five seconds."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

# Seconds of real time (WeChat Pay APIv3, Payment notification: answer within five seconds).
ANSWER_TIMEOUT_SECONDS = 5.0

# `localhost` is a name, of which a hosts file may say anything: it is never looked up.
_LOOPBACK = {"127.0.0.1": ("127.0.0.1",), "::1": ("::1",), "localhost": ("::1", "127.0.0.1")}
_STANDS_IN_A_PATH = "/%:@!$&'()*+,;=-._~"
_LONGEST = 64 * 1024  # bytes of an answer that are read


@dataclass(frozen=True)
class Told:
    """What came of it: the HTTP status, or `timeout` or `unreachable`; the body's beginning; how long it took, in seconds."""

    status: int | str
    body: bytes
    seconds: float


def host_name(text: str) -> str:
    """A host that may be called besides this machine, as `others` hold it. Raises ValueError for anything but one exact name."""
    name = text.lower()
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    try:
        alone = urlsplit(f"http://[{name}]" if ":" in name else f"http://{name}").hostname == name
    except ValueError:  # a port, or an address that is none
        alone = False
    if not alone or not name.isprintable() or set(name) & set("[]*%, "):
        raise ValueError(f"{text!r} is not the name of one host, without scheme, port or pattern")
    return name


def on_this_machine(url: str, *, others: Container[str] = ()) -> bool:
    """Whether the host of `url` is a loopback name, or one of `others` (see host_name). Nothing else is ever contacted."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return host is not None and (host in _LOOPBACK or host in others)


def connected(url: str, *, seconds: float) -> socket.socket:
    """A connection to the host and port of `url`, begun within so many seconds. Raises OSError, ValueError for what is no address."""
    parts = urlsplit(url)
    *others, last = _LOOPBACK.get(str(parts.hostname), (str(parts.hostname),))
    for address in others:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, _port(parts)), timeout=seconds)
    return socket.create_connection((last, _port(parts)), timeout=seconds)


def post(url: str, headers: dict[str, str], body: bytes, *, others: Container[str] = ()) -> int | str:
    """The HTTP status of the answer, whose body is not read; `timeout` or `unreachable` when there was none.

    `others` are hosts besides this machine. Raises ValueError for a host that is none of these.
    """
    return tell(url, headers, body, reads=False, others=others).status


def tell(
    url: str, headers: dict[str, str], body: bytes, *, reads: bool = True, others: Container[str] = ()
) -> Told:
    """Post it; five seconds are for everything, with the body of the answer where it `reads` that.

    `others` are hosts besides this machine. Raises ValueError for a host that is none of these.
    """
    if not on_this_machine(url, others=others):
        raise ValueError("notifications go to this machine, and to hosts that were named, only")
    begun = time.monotonic()
    status, answer = _asked(url, headers, body, reads)
    seconds = time.monotonic() - begun
    if seconds >= ANSWER_TIMEOUT_SECONDS:  # half an answer that was cut off looks like a whole one
        status = "timeout"
    return Told(status, answer, seconds)


def _asked(url: str, headers: dict[str, str], body: bytes, reads: bool) -> tuple[int | str, bytes]:
    parts = urlsplit(url)
    is_secret = parts.scheme == "https"
    connect = http.client.HTTPSConnection if is_secret else http.client.HTTPConnection
    try:
        connection = connect(str(parts.hostname), _port(parts))
    except ValueError:  # a port above 65535
        return "unreachable", b""
    end = threading.Timer(ANSWER_TIMEOUT_SECONDS, _cut, [connection])
    end.daemon = True
    try:
        end.start()
        connection.sock = connected(url, seconds=ANSWER_TIMEOUT_SECONDS)
        if is_secret:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
        connection.request("POST", _target(parts), body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(_LONGEST) if reads else b""
    except TimeoutError:
        return "timeout", b""
    except (OSError, http.client.HTTPException, UnicodeError):
        return "unreachable", b""
    finally:
        end.cancel()
        connection.close()


def _port(parts: SplitResult) -> int:
    """Said, or that of the scheme. Raises ValueError for one that is none."""
    if parts.port is not None:
        return parts.port
    return http.client.HTTPS_PORT if parts.scheme == "https" else http.client.HTTP_PORT


def _target(parts: SplitResult) -> str:
    """Path and query as a request line has them: what is no ASCII, or a blank, by its number."""
    query = f"?{quote(parts.query, safe=_STANDS_IN_A_PATH + '?')}" if parts.query else ""
    return quote(parts.path or "/", safe=_STANDS_IN_A_PATH) + query


def _cut(connection: http.client.HTTPConnection) -> None:
    """Who sends a byte now and then has had its five seconds, too."""
    connected = connection.sock
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
