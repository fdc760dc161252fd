"""A watch on the sockets of this process: whatever connects or sends is seen first."""

import socket
from collections.abc import Callable
from typing import Any

_WATCHED = ("connect", "connect_ex", "send", "sendall", "sendto", "sendmsg")


class SocketWatch:
    """Between `install` and `remove`, `seen` is called before each of these calls, and may raise."""

    def __init__(self) -> None:
        self._own: dict[str, Any] = {}

    def seen(self, name: str, this: socket.socket, arguments: tuple[Any, ...]) -> None:
        """`this` is about to do what `name` says."""
        raise NotImplementedError

    def install(self) -> None:
        """Put the watch on every socket of this process."""
        for name in _WATCHED:
            self._own[name] = socket.socket.__dict__.get(name)
            setattr(socket.socket, name, self._watched(name, getattr(socket.socket, name)))

    def remove(self) -> None:
        """Take it off again."""
        for name, own in self._own.items():
            if own is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, own)
        self._own.clear()

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(this: socket.socket, *arguments: Any) -> Any:
            self.seen(name, this, arguments)
            return original(this, *arguments)

        return watched
