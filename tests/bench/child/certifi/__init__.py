"""certifi for measured processes: its root certificates and the benchmark's own authority, so that TLS costs what it costs."""

import os


def where():
    """The file."""
    return os.environ["BENCH_AUTHORITIES"]


def contents():
    """What is in it."""
    with open(where(), encoding="ascii") as file:  # noqa: PTH123  pathlib would be one import more
        return file.read()
