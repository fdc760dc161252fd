"""A file that appears when a server answers: whoever has started it waits for that, and reads where it is."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path


def foresee(file: Path) -> None:
    """Take away what an earlier run has announced, and see that something can be. Raises OSError where it cannot."""
    file.unlink(missing_ok=True)
    beside = _beside(file)
    beside.touch()
    beside.unlink()


def announce(file: Path, content: Mapping[str, object]) -> None:
    """Write it as JSON, in one piece: whoever waits for it never reads half of it. Raises OSError when it cannot be written."""
    beside = _beside(file)
    beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    beside.replace(file)


def withdraw(file: Path) -> None:
    """Take it away; what cannot be, because its reader has it open on Windows, stays for the next `foresee`."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".new")
