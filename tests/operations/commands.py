"""The commands as somebody types them, and a SAM that writes down what it was asked."""

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def terminal(typed: str) -> Iterator[int]:
    """The end that a program reads of a terminal at which this is typed."""
    hand, end = pty.openpty()
    try:
        os.write(hand, typed.encode())
        yield end
    finally:
        os.close(end)
        os.close(hand)


SAM = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
with open(folder / "calls", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
(folder / "state").unlink(missing_ok=True)
sys.exit({status})
"""
