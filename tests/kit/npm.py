"""Packages of npm for tests, pinned in a package.json, installed once under .sandbox."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SANDBOX = Path(__file__).parents[2] / ".sandbox"
TRIES = 3  # npm fails now and then where another npm is at work (ENOTEMPTY), or a registry is


def installed(package: Path, folder: str) -> Path:
    """The node_modules of this package.json, in .sandbox/`folder`; installed when not there, or when the file has changed.

    No script of a package is run. Of several processes one installs at a time.
    """
    place = SANDBOX / folder
    marked = place / "node_modules/package.json"
    with _alone():
        if not marked.exists() or marked.read_bytes() != package.read_bytes():
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(package, place / "package.json")
            _install(place)
            shutil.copy(package, marked)  # last: what it says is there
    return place / "node_modules"


def _install(place: Path) -> None:
    quietly = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    for left in reversed(range(TRIES)):
        shutil.rmtree(place / "node_modules", ignore_errors=True)
        done = subprocess.run(["npm", "install", *quietly], check=False, cwd=place, timeout=300)
        if done.returncode == 0:
            return
        if not left:
            done.check_returncode()


@contextmanager
def _alone() -> Iterator[None]:
    SANDBOX.mkdir(exist_ok=True)
    with (SANDBOX / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
