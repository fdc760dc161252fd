"""Where a run of the suite spends its processor time, by folder, file and shared fixture: with `--durations`, at its end.

Of each process that shares the work the whole family counts: function processes, programs, whoever has ended by now.
"""

import os
from collections import defaultdict
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
LINES = 30  # of each table


def family_seconds(root: int) -> float:
    """Processor seconds so far of a process, its living descendants, and those that they have waited for.

    Without Linux's /proc those of living descendants are missing, and `root` must be this process.
    """
    if not Path("/proc/self/stat").exists():
        return sum(os.times()[:4])
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                # The name of the program, in brackets, may hold anything.
                values = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = int(values[1])
            seconds[int(entry.name)] = sum(map(int, values[11:15])) / TICKS

    def belongs(pid: int) -> bool:
        while pid != root:
            if not (pid := parents.get(pid, 0)):
                return False
        return True

    return sum(spent for pid, spent in seconds.items() if belongs(pid))


class ProcessorTime:
    """A pytest plugin: what each file and each fixture of a module or wider has cost, in this process and its family."""

    def __init__(self) -> None:
        self.files: dict[str, float] = defaultdict(float)
        self.fixtures: dict[str, float] = defaultdict(float)
        self._file = ""
        self._since = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Count for a file from its first test to the end of its last."""
        file = str(item.path.relative_to(ROOT))
        if self._file != file:
            self._file, self._since = file, family_seconds(os.getpid())
        outcome = yield
        if nextitem is None or nextitem.path != item.path:
            self.files[file] += family_seconds(os.getpid()) - self._since
            self._file = ""
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Count what making a shared fixture costs, those that it asks for included."""
        if fixturedef.scope in ("function", "class"):
            return (yield)
        before = family_seconds(os.getpid())
        outcome = yield
        where = fixturedef.baseid.removeprefix("tests/")
        self.fixtures[f"{where}: {fixturedef.argname}"] += family_seconds(os.getpid()) - before
        return outcome

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what a process has counted to the one that tells of it."""
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["processor_time"] = [dict(self.files), dict(self.fixtures)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Add what another process has counted."""
        files, fixtures = getattr(node, "workeroutput", {}).get("processor_time", ({}, {}))
        _add(files, to=self.files)
        _add(fixtures, to=self.fixtures)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The three tables, the dearest first."""
        folders: dict[str, float] = defaultdict(float)
        for file, spent in self.files.items():
            folders[str(Path(file).parent)] += spent
        for name, table in (("folder", folders), ("file", self.files), ("shared fixture", self.fixtures)):
            terminalreporter.section(f"processor seconds by {name}, {sum(table.values()):.0f} in all")
            for key in sorted(table, key=table.__getitem__, reverse=True)[:LINES]:
                terminalreporter.write_line(f"{table[key]:8.1f}  {key}")


def _add(some: Mapping[str, float], *, to: dict[str, float]) -> None:
    for key, spent in some.items():
        to[key] += spent
