"""Measured processes on one core, everything else on the others, where the system lets one choose."""

import os
import subprocess
from typing import Any

_ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
PINNED = len(_ALL) > 1


def stand_aside() -> None:
    """Leave the last core to what is measured; before any thread is started."""
    if PINNED:
        os.sched_setaffinity(0, _ALL[:-1])


def pinned_spawn(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` on the measured core."""
    if not PINNED:
        return subprocess.Popen(command, **given)
    os.sched_setaffinity(0, _ALL[-1:])  # of this thread alone, and of whatever it starts
    try:
        return subprocess.Popen(command, **given)
    finally:
        os.sched_setaffinity(0, _ALL[:-1])
