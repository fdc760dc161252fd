"""The simulator as anybody starts it, in a process of its own: how soon it answers, what it takes of the processor and of memory."""

import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.program import Program


class Served:
    """`python -m wechatpay_simulator serve` as long as the block lasts; `seconds` is from its start to its first answer.

    `processor_seconds`, after the block, is what it took in all.
    """

    def __init__(self, credentials: Path, *options: str) -> None:
        command = [sys.executable, "-m", "wechatpay_simulator", "serve", "--credentials", str(credentials)]
        self._before = _processor_seconds_of_children()
        begun = time.monotonic()
        self._program = Program([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self._program.stdout is not None
        self.url = self._program.stdout.readline().strip()
        with urllib.request.urlopen(f"{self.url}/_sandbox/settings", timeout=30) as answer:
            answer.read()
        self.seconds = time.monotonic() - begun
        self.processor_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.terminate()
        self._program.wait(timeout=30)
        self._program.__exit__(kind, problem, trace)
        self.processor_seconds = _processor_seconds_of_children() - self._before

    def resident(self) -> float:
        """What it has in memory now, in MB."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self._program.pid)], check=True, capture_output=True, text=True
        )
        return int(told.stdout) / 1000


def median(values: Sequence[float]) -> float:
    """The one in the middle, of an odd number."""
    return sorted(values)[len(values) // 2]


def _processor_seconds_of_children() -> float:
    """Of those that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
