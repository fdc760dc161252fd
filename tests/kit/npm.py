"""Packages of npm for tests, pinned in a package.json, installed once under .sandbox."""

import shutil
import subprocess
from pathlib import Path

SANDBOX = Path(__file__).parents[2] / ".sandbox"


def installed(package: Path, folder: str) -> Path:
    """The node_modules of this package.json, in .sandbox/`folder`; installed when not there, or when the file has changed.

    No script of a package is run.
    """
    place = SANDBOX / folder
    marked = place / "node_modules/package.json"
    if not marked.exists() or marked.read_bytes() != package.read_bytes():
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(package, place / "package.json")
        quietly = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        subprocess.run(["npm", "install", *quietly], check=True, cwd=place, timeout=300)
        shutil.copy(package, marked)  # last: what it says is there
    return place / "node_modules"
