"""A function's process that is called as often as wanted: `child/calls.py` from outside."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.bench.measuring.pinning import pinned_spawn


class FailedCallError(Exception):
    """A measured process ended, or answered what it should not."""


@dataclass(frozen=True)
class Block:
    """Some calls in a row: processor and wall seconds of them all, the last answer."""

    cpu: float
    wall: float
    answer: dict[str, Any]


class Called:
    """One process; `init` is its processor seconds until the handler was loaded."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        reads, writes = os.pipe()
        self._log = log
        with log.open("ab") as output:
            self._process = pinned_spawn(
                [*command, str(writes)],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(writes,),
            )
        os.close(writes)
        self._answers = os.fdopen(reads)
        try:
            self.init = float(self._heard()["init"])
        except FailedCallError:
            self.end()
            raise

    def call(self, event: Mapping[str, Any], calls: int = 1, *, collect: bool = False) -> Block:
        """Call the handler so often with this event. Raises FailedCallError."""
        assert self._process.stdin is not None
        wanted = {"event": event, "calls": calls, "collect": collect}
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        return Block(**self._heard())

    @property
    def peak(self) -> float | None:
        """The most memory that it has had so far, MiB."""
        return peak_of(self._process.pid)

    def end(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._answers.close()
        self._process.wait()

    def _heard(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise FailedCallError(f"a measured process ended:\n{tail}")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def peak_of(pid: int) -> float | None:
    """The most memory that a living process has had resident so far, MiB; None where the system does not say.

    Not `ru_maxrss`, which on Linux begins with what the process had from which it was forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else None
