"""A watch on sockets: product code reaches the outside through its wiring object, or the run fails."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_WATCHED = ("connect", "connect_ex", "send", "sendall", "sendto", "sendmsg")


class BypassError(BaseException):
    """Product code used a socket outside every effect. No `except Exception` of the product swallows it."""


class Guard:
    """While installed, a thread that is inside product code may use sockets only inside an effect.

    Servers and the harness itself live in other threads or outside of `product`, and are left alone.
    """

    def __init__(self) -> None:
        self._here = threading.local()
        self._own: dict[str, Any] = {}

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

    @contextmanager
    def product(self) -> Iterator[None]:
        """From here on this thread runs product code."""
        before = self._inside
        self._here.inside = True
        try:
            yield
        finally:
            self._here.inside = before

    @contextmanager
    def effect(self) -> Iterator[None]:
        """From here on this thread is where effects happen."""
        before = self._inside
        self._here.inside = False
        try:
            yield
        finally:
            self._here.inside = before

    @property
    def _inside(self) -> bool:
        return getattr(self._here, "inside", False)

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(this: socket.socket, *arguments: Any) -> Any:
            if self._inside:
                raise BypassError(f"product code called socket.{name} outside of its wiring")
            return original(this, *arguments)

        return guarded
