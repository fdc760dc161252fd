"""A sandbox that a test can wait for."""

import threading
from pathlib import Path
from typing import Any

from sandbox.stack import Sandbox
from tests.kit.keys import merchant_file


class Running(Sandbox):
    """A sandbox that a test can wait for; its merchant is the one of all tests, unless it is given another's file."""

    def __init__(self, *, credentials: Path | None = None, **options: Any) -> None:
        super().__init__(credentials=credentials or merchant_file(), **options)

    def minutes(self, count: int) -> None:
        """Let `count` minutes pass one by one, each until everything that it set off is done."""
        for _ in range(count):
            self.clock.advance(60)
            assert self.drain(20)

    def wait_until(self, holds: Any, seconds: float = 40.0) -> None:
        waited = threading.Event()
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            waited.wait(0.02)
        raise AssertionError(f"did not come to hold within {seconds} seconds")
