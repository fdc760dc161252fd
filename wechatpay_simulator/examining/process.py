"""A command of somebody else's, started by the shell in a process group of its own, and ended with all that it has started."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import IO

_NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # of Windows alone
_GRACE_SECONDS = 5.0  # between being asked to end and being ended
_LONGEST = 200  # characters of a line that is shown
_TAIL = 64 * 1024  # bytes of an output that are looked at


def start(
    command: str, environment: Mapping[str, str], *, out: IO[bytes], err: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Run it by the shell, with nothing to read. Its group is its own: what a terminal sends to ours does not reach it."""
    # The command line is the user's own, who has typed it.
    return subprocess.Popen(  # noqa: S602  # nosec B602
        command,
        shell=True,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        creationflags=_NEW_GROUP,
        start_new_session=sys.platform != "win32",
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End it and its children, politely first. Harmless when it has ended: its children may have outlived it."""
    if sys.platform == "win32":
        # Only taskkill knows a tree there, and it is not polite; whoever asks for Ctrl-Break may refuse to hear it.
        subprocess.run(  # nosec B607
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],  # noqa: S607
            check=False,
            capture_output=True,
        )
        process.wait()
        return
    _to_group(process, signal.SIGTERM)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    finally:  # at a second Ctrl-C, too: nothing may outlive us
        _to_group(process, signal.SIGKILL)
        process.wait()


def _to_group(process: subprocess.Popen[bytes], number: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # macOS says the latter of a group that is gone
            os.killpg(process.pid, number)


def last_lines(output: IO[bytes], count: int = 1) -> list[str]:
    """The last lines that say anything, as text without control characters; each cut where it is long."""
    output.flush()
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL))
    lines = output.read().decode("utf-8", "replace").splitlines()
    shown = [
        "".join(each if each.isprintable() else " " for each in line).strip()[:_LONGEST] for line in lines
    ]
    return [line for line in shown if line][-count:]
