"""Where a run of the suite spends its time, by folder, file and shared fixture: with `--durations`, at its end.

Of each process that shares the work the whole family counts: function processes, programs, whoever has ended by now.
"""

import os
import time
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


Spent = tuple[float, float]
"""Processor seconds of a whole family, and seconds by the clock: beyond the former, somebody has waited."""


def spent(since: Spent = (0, 0)) -> Spent:
    """By this process and its family, since then."""
    return family_seconds(os.getpid()) - since[0], time.monotonic() - since[1]


class ProcessorTime:
    """A pytest plugin: what each file and each fixture of a module or wider has cost, in this process and its family."""

    def __init__(self) -> None:
        self.files: dict[str, Spent] = {}
        self.fixtures: dict[str, Spent] = {}
        self._file = ""
        self._since: Spent = (0, 0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Count for a file from its first test to the end of its last."""
        file = str(item.path.relative_to(ROOT))
        if self._file != file:
            self._file, self._since = file, spent()
        outcome = yield
        if nextitem is None or nextitem.path != item.path:
            _add({file: spent(self._since)}, to=self.files)
            self._file = ""
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Count what making a shared fixture costs, those that it asks for included."""
        if fixturedef.scope in ("function", "class"):
            return (yield)
        before = spent()
        outcome = yield
        where = fixturedef.baseid.removeprefix("tests/")
        _add({f"{where}: {fixturedef.argname}": spent(before)}, to=self.fixtures)
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
        folders: dict[str, Spent] = {}
        for file, both in self.files.items():
            _add({str(Path(file).parent): both}, to=folders)
        for name, table in (("folder", folders), ("file", self.files), ("shared fixture", self.fixtures)):
            of_processors, by_the_clock = (sum(both[each] for both in table.values()) for each in (0, 1))
            terminalreporter.section(
                f"processor seconds, and seconds, by {name}: {of_processors:.0f}, {by_the_clock:.0f} in all"
            )
            for key in sorted(table, key=lambda key: table[key], reverse=True)[:LINES]:
                terminalreporter.write_line(f"{table[key][0]:8.1f} {table[key][1]:8.1f}  {key}")


def _add(some: Mapping[str, Spent], *, to: dict[str, Spent]) -> None:
    for key, both in some.items():
        before = to.get(key, (0, 0))
        to[key] = (before[0] + both[0], before[1] + both[1])
