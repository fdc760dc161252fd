"""A watch on sockets: product code reaches the outside through its wiring object, or the run fails."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kit.sockets import SocketWatch


class BypassError(BaseException):
    """Product code used a socket outside every effect. No `except Exception` of the product swallows it."""


class Guard(SocketWatch):
    """While installed, a thread that is inside product code may use sockets only inside an effect.

    Servers and the harness itself live in other threads or outside of `product`, and are left alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

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

    def seen(self, name: str, this: socket.socket, arguments: tuple[Any, ...]) -> None:
        """Raises BypassError within product code."""
        if self._inside:
            raise BypassError(f"product code called socket.{name} outside of its wiring")
