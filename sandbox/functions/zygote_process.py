"""A program that loads the libraries of functions once and then forks a process for each that is asked for.

It speaks with `sandbox.functions.zygote` over the socket whose number is its argument, one JSON object a message, and ends when that
is closed. It is run by its path and imports nothing of the sandbox: what it has loaded, every function has.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any

MAX_MESSAGE_BYTES = 1 << 20  # bytes of a message
# Not our layers: a function loads those itself, as its folder and PYTHONPATH say. Nor the runtime client: it looks at its
# environment when it is loaded.
LIBRARIES = (
    "botocore.session",
    "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.serialization",
    "jwt",
    "msgspec",
    "pynamodb.models",
    "qrcode",
    "requests",
)


def serve(control: socket.socket) -> None:
    """Fork and signal as told; report each process's end to whoever holds the other end of its pipe."""
    ends: dict[int, int] = {}  # process number: where its end is reported
    wakes, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control.fileno(), wakes], [], [])
        if wakes in ready:
            os.read(wakes, 4096)
            _report(ends)
        if control.fileno() in ready and not _obeyed(control, ends):
            return


def _obeyed(control: socket.socket, ends: dict[int, int]) -> bool:
    """Do what the next message says; False when there will be none."""
    message, fds = _received(control)
    if not message:
        return False
    wanted: dict[str, Any] = json.loads(message)
    if "signal" in wanted:
        if wanted["pid"] in ends:  # not waited for yet, so its number is still its own
            os.kill(wanted["pid"], wanted["signal"])
        return True
    output, end = fds
    pid = os.fork()
    if pid == 0:
        _become(wanted, output, held=[control.fileno(), *ends.values(), end])
    with contextlib.suppress(OSError):  # the child does the same: whoever comes first
        os.setpgid(pid, wanted["group"])
    os.close(output)
    ends[pid] = end
    control.send(json.dumps({"pid": pid}).encode())
    return True


def _received(control: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    message, ancillary, _, _ = control.recvmsg(MAX_MESSAGE_BYTES, socket.CMSG_SPACE(2 * fds.itemsize))
    for _, _, data in ancillary:
        fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return message, list(fds)


def _report(ends: dict[int, int]) -> None:
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        end = ends.pop(pid)
        with contextlib.suppress(BrokenPipeError):
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def _become(wanted: dict[str, Any], output: int, held: list[int]) -> None:
    """The rest of a child's life: `python -m module argument` with these variables, in this folder."""
    code = 1
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, wanted["group"])
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, max(output, *held) + 1)
        os.environ.clear()
        os.environ.update(wanted["variables"])
        time.tzset()
        os.chdir(wanted["folder"])
        sys.path[:0] = [wanted["folder"], *wanted["variables"]["PYTHONPATH"].split(os.pathsep)]
        sys.argv = ["-m", wanted["argument"]]
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
        runpy.run_module(wanted["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001  as the interpreter does it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
