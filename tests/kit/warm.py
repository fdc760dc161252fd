"""Commands (`python -m module arguments`) as processes of their own, forked from one that has imported what takes long.

What a command says, ends with and leaves behind is as ever; its imports alone are not paid for each time. A thorough run,
and one elsewhere than on Linux, starts each as anybody would.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED = ("boto3", "requests", "sandbox.stack", "sandbox.cloudformation.template")


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: int = 180
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` of `python -m` and this, in the repository's root, with nothing on standard input."""
    from tests.thorough import THOROUGH

    if THOROUGH or sys.platform != "linux":
        return subprocess.run(
            [sys.executable, "-m", *command],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
    return _warm().run(list(command), dict(os.environ if env is None else env), timeout)


class Warm:
    """The process that forks, one command at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.warm"],
            env={name: os.environ[name] for name in kept if name in os.environ},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.communicate)

    def run(
        self, command: list[str], environment: dict[str, str], seconds: int
    ) -> subprocess.CompletedProcess[str]:
        """Raises TimeoutExpired."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            said = [Path(folder, name) for name in ("out", "err")]
            wanted = {"command": command, "environment": environment, "seconds": seconds}
            with self._lock:
                self._process.stdin.write(json.dumps({**wanted, "said": [*map(str, said)]}) + "\n")
                self._process.stdin.flush()
                code = int(self._process.stdout.readline())
            if code == -signal.SIGALRM:
                raise subprocess.TimeoutExpired(command, seconds)
            return subprocess.CompletedProcess(command, code, *(file.read_text() for file in said))


@cache
def _warm() -> Warm:
    return Warm()


# ---- in the process that forks ----


def main() -> None:
    """For each line on standard input one command; its exit code goes out."""
    for module in IMPORTED:
        import_module(module)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            become(json.loads(line))
            return  # the interpreter ends as that of any command
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def become(wanted: dict[str, Any]) -> None:
    """Be the command: its streams, its environment, its paths, its arguments."""
    signal.alarm(wanted["seconds"])
    for number, (path, flags) in enumerate(
        [
            (os.devnull, os.O_RDONLY),
            *((path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for path in wanted["said"]),
        ]
    ):
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.path[1:1] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    module, *arguments = wanted["command"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
