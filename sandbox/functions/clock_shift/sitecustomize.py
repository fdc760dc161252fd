"""Shifts a function process's time.time by the sandbox clock's offset; then lets the machine's own sitecustomize run."""

import sys


def _shift_time() -> None:
    import mmap
    import os
    import time

    file = os.environ.pop("SANDBOX_CLOCK_FILE", None)
    if file is None:
        return
    with open(file, "rb") as mirror:  # noqa: PTH123 - pathlib would cost every cold start more than all the rest here
        offset = memoryview(mmap.mmap(mirror.fileno(), 8, prot=mmap.PROT_READ)).cast("q")
    real_time, real_time_ns = time.time, time.time_ns

    def shifted_time() -> float:
        return real_time() + offset[0] / 1e9

    def shifted_time_ns() -> int:
        return real_time_ns() + offset[0]

    time.time, time.time_ns = shifted_time, shifted_time_ns


def _run_the_next_sitecustomize() -> None:
    # This file hides any other of its name further down the path (a distribution's, pyenv's): look again without it.
    folder = __file__.rpartition("/")[0]
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    this = sys.modules.pop(__name__)
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        pass
    finally:
        sys.modules.setdefault(__name__, this)


_shift_time()
_run_the_next_sitecustomize()
