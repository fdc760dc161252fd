"""Function processes that begin with their libraries loaded: forked from one that has loaded them, instead of started.

A cold start's first third of a second goes into libraries, and a sandbox has many. What a function imports of its own
and of its layers, it imports in its own process. For Linux; elsewhere functions are started as programs.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from sandbox.functions.zygote_process import MAX_MESSAGE_BYTES

PROGRAM = Path(__file__).with_name("zygote_process.py")


class Forked:
    """A process of the zygote's, with as much of `subprocess.Popen` as its owner needs."""

    def __init__(self, zygote: "Zygote", pid: int, output: int, end: int) -> None:
        self.pid = pid
        self.stdout: IO[bytes] | None = os.fdopen(output, "rb", buffering=0)
        self.returncode: int | None = None
        self._zygote = zygote
        self._end = os.fdopen(end, "rb", buffering=0)  # the pipe on which its end is reported
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None while it lives."""
        with self._lock:
            if self.returncode is None and self._has_ended(0):
                # Nothing to read: the zygote is gone, and with it the whole group.
                self.returncode = int(self._end.read(16) or b"-9")
            return self.returncode

    def wait(self) -> int:
        """The exit code, once it has ended. For one thread alone."""
        while (code := self.poll()) is None:
            self._has_ended(None)
        self._end.close()
        return code

    def send_signal(self, number: int) -> None:
        """Does nothing when it has ended."""
        if self.poll() is None:
            self._zygote.signal(self.pid, number)

    def _has_ended(self, timeout_ms: int | None) -> bool:
        poll = select.poll()  # not select: a sandbox has more than a thousand files open at times
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(timeout_ms))


class Zygote:
    """Forks processes into the process group `group`, until stopped."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_MESSAGE_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(theirs.fileno())],
                env={name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
                | {"PYTHONUNBUFFERED": "1", "LANG": "en_US.UTF-8", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=group,
            )

    def start(self, module: str, argument: str, *, folder: Path, variables: dict[str, str]) -> Forked:
        """A process that is like `python -m module argument` with these variables in this folder. Raises OSError."""
        output, their_output = os.pipe()
        end, their_end = os.pipe()
        wanted = {"module": module, "argument": argument, "folder": str(folder), "variables": variables}
        try:
            with self._lock:
                socket.send_fds(
                    self._control, [_message({**wanted, "group": self._group})], [their_output, their_end]
                )
                pid = json.loads(self._control.recv(MAX_MESSAGE_BYTES) or b"{}").get("pid")
        except BaseException:
            os.close(output)
            os.close(end)
            raise
        finally:
            os.close(their_output)
            os.close(their_end)
        if pid is None:
            os.close(output)
            os.close(end)
            raise ChildProcessError("the process that starts functions has ended")
        return Forked(self, pid, output, end)

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to one of its processes, unless that has ended."""
        with self._lock, contextlib.suppress(OSError):  # the zygote is gone, and with it the whole group
            self._control.send(_message({"signal": int(number), "pid": pid}))

    def stop(self) -> None:
        """Start no more. Those that live are left alone."""
        self._control.close()
        self._process.wait()


def _message(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
