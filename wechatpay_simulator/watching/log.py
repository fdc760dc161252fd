"""The log: one line for each request and notification, with nothing in it that is secret."""

import re
import threading
from typing import TextIO
from urllib.parse import urlsplit

from wechatpay_simulator.clock import Timepiece, rfc3339

_LONGEST = 600  # characters of a line
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


class Log:
    """Lines of `stream`, each with the time of `clock` before it. Threads may share it."""

    def __init__(self, stream: TextIO, clock: Timepiece) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Write one line: whatever is in it, it stays one. A stream that takes none any more is no reason to fail."""
        text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)[:_LONGEST]
        with self._lock:
            try:
                self._stream.write(f"{rfc3339(self._clock.time())} {text}\n")
                self._stream.flush()
            except (OSError, ValueError):  # the disk is full; the pipe or the file is closed
                return


def shown_target(path: str, query: str) -> str:
    """A path with the names of its query's members: what they hold may be a code, a token or a secret."""
    if not query:
        return path
    members = [part.partition("=") for part in query.split("&")]
    return f"{path}?" + "&".join(
        f"{name}=…" if equals and _NAME.fullmatch(name) else "…" for name, equals, _ in members
    )


def shown_address(url: str) -> str:
    """An address in the same way, without the user and password that may stand in it."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{host}{shown_target(parts.path, parts.query)}"
