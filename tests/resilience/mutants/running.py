"""The tests that may notice a change, run against it in a process of its own: forked when all else is imported and deployed.

A change inside a function is put into the functions that are imported already, by their code. Any other is planted before
the product is imported.
"""

import builtins
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.resilience.mutants.planting import Mutant
from tests.resilience.mutants.putting import by_code, compiled, import_all, import_as, put_in, put_value
from tests.resilience.mutants.reaching import Seen, Tests, files_of, marked, state

# Times as long as without the change, and as many seconds: a test that takes longer has noticed it.
SLOWER = 20
MAX_SECONDS = 1800  # seconds for everything


@dataclass(frozen=True)
class Broken:
    """Something is wrong with this program, not with the change."""

    why: str


class Chosen:
    """A pytest plugin: these tests alone, in this order, until one fails. Without names: all, each with its time and lines."""

    def __init__(self, warm: dict[str, Any], names: Sequence[str] = ()) -> None:
        self._warm = warm
        self.names = names
        self.items: dict[str, pytest.Item] = {}
        self.failed: list[str] = []
        self._current = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        """What every process inherits is not made again."""
        if fixturedef.argname not in self._warm:
            return None
        value = self._warm[fixturedef.argname]
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One part of one test has ended."""
        if report.failed and self._current not in self.failed:
            self.failed.append(self._current)

    def run(
        self, names: Sequence[str], before: Callable[[str], object] = lambda _: None
    ) -> Iterator[tuple[str, bool]]:
        """Each of the tests, and whether it is still green; `before` is called with its name."""
        items = [self.items[name] for name in names if name in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            self._current = item.nodeid
            before(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            yield item.nodeid, item.nodeid not in self.failed


class Collected(Chosen):
    """The same, which hands over once all is collected."""

    def __init__(self, warm: dict[str, Any], then: Callable[["Collected"], None]) -> None:
        super().__init__(warm)
        self._then = then
        self.unloaded = False  # a file of tests failed to load

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own."""
        self.items = {item.nodeid: item for item in session.items}
        self.unloaded = session.testsfailed > 0
        self._then(self)
        return True


def session(arguments: Sequence[str], warm: dict[str, Any], then: Callable[[Collected], None]) -> int:
    """One run of pytest, which says nothing."""
    quiet = [
        "-o",
        "addopts=--import-mode=importlib",
        "-n0",
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        "--capture=sys",
    ]
    return int(pytest.main([*quiet, *arguments], plugins=[Collected(warm, then)]))


class Runner:
    """`folders` hold the tests; `warm` are values of session fixtures, by name; `woken` is called in each new process."""

    def __init__(self, folders: Sequence[str], warm: dict[str, Any], woken: Callable[[], None]) -> None:
        self._folders = list(folders)
        self._warm = warm
        self._woken = woken
        self.red: list[str] = []

    def tests(self, kept: Path) -> Tests:
        """Every test once, unchanged; what is known of a file of tests since its last change is kept in a file."""
        now = {file: state(file) for folder in self._folders for file in files_of(folder)}
        try:
            known: dict[str, tuple[str, Seen]] = pickle.loads(kept.read_bytes())
        except FileNotFoundError:
            known = {}
        known = {file: each for file, each in known.items() if now.get(file, each[0]) == each[0]}
        if stale := [file for file in now if file not in known]:
            seen, self.red = self._apart(lambda told: self._measured(stale, told), seconds=4 * MAX_SECONDS)
            for file in stale:
                found = {name: each for name, each in seen.items() if name.partition("::")[0] == file}
                known[file] = now[file], found
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(pickle.dumps(known))
        return Tests({name: each for file in now for name, each in known[file][1].items()})

    def _measured(self, files: list[str], told: Callable[[Any], None]) -> None:
        lines: set[tuple[str, int]] = set()
        builtins.__reached__ = lines.add  # type: ignore[attr-defined]
        import_as(marked)

        def measure(collected: Collected) -> None:
            seen: Seen = {}
            for name in collected.items:
                lines.clear()
                began = time.monotonic()
                if next(collected.run([name]))[1]:
                    seen[name] = (time.monotonic() - began, frozenset(lines))
            told((seen, collected.failed))

        session(files, self._warm, measure)

    def judged(self, planted: Sequence[Mutant], tests: Tests) -> Iterator[tuple[Mutant, str | None]]:
        """Each change, and which test has noticed it; None when none has."""
        late = [m for m in planted if not (m.function or m.constant) or "/functions/" in str(m.path)]
        early = [m for m in planted if m not in late]
        if early:
            yield from self._through_a_pipe(early, tests)
        for mutant in late:
            yield mutant, self._planted_before(mutant, tests)

    def _planted_before(self, mutant: Mutant, tests: Tests) -> str | None:
        """By the files of the likeliest tests; then, should those be green, by all."""
        names = tests.of(mutant)
        files = list(dict.fromkeys(name.partition("::")[0] for name in names))
        for some in [files[:2], files[2:]] if len(files) > 3 else [files]:
            chosen = [name for name in names if name.partition("::")[0] in some]

            def run(told: Callable[[Any], None], some: list[str] = some, chosen: list[str] = chosen) -> None:
                self._afresh(mutant, some, chosen, tests, told)

            if by := self._noticed(mutant, chosen, tests, run):
                return by
        return None

    def _noticed(
        self, mutant: Mutant, names: list[str], tests: Tests, run: Callable[[Any], Any]
    ) -> str | None:
        by: str | None = self._apart(run) if names else None
        if by in tests.seen:
            tests.caught[mutant.path][str(by)] += 1
        return by

    def _afresh(
        self, mutant: Mutant, files: list[str], names: list[str], tests: Tests, told: Callable[[Any], None]
    ) -> None:
        code = compiled(mutant)
        import_as(lambda path: code if path == str(mutant.path) else None)
        unloaded = "does not load"
        failed = session(
            files,
            self._warm,
            lambda collected: told(unloaded if collected.unloaded else first_red(collected, names, tests)),
        )
        told(Broken("pytest itself has failed") if failed == pytest.ExitCode.INTERNAL_ERROR else unloaded)

    def _through_a_pipe(self, early: Sequence[Mutant], tests: Tests) -> Iterator[tuple[Mutant, str | None]]:
        """One process has collected everything; of it one more is forked for each change."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            out = os.fdopen(writing, "wb")

            def each(collected: Collected) -> None:
                import_all()  # what is first imported within a test would be imported without the change
                functions = by_code()
                for mutant in early:
                    names = tests.of(mutant)

                    def run(
                        told: Callable[[Any], None], mutant: Mutant = mutant, names: list[str] = names
                    ) -> None:
                        try:
                            put_in(mutant, functions) if mutant.function else put_value(mutant)
                        except ValueError:
                            told("afresh")
                        told(first_red(collected, names, tests))

                    pickle.dump(self._noticed(mutant, names, tests, run), out)
                    out.flush()

            session(self._folders, self._warm, each)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as answers:
            for mutant in early:
                by = pickle.load(answers)
                if by == "afresh":
                    by = self._planted_before(mutant, tests)
                elif by in tests.seen:
                    tests.caught[mutant.path][by] += 1
                yield mutant, by
        os.waitpid(pid, 0)

    def _apart(self, run: Callable[[Callable[[Any], None]], Any], *, seconds: int = MAX_SECONDS) -> Any:
        """What `run` tells, in a process of its own."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(seconds)
            silence()
            self._woken()

            def told(what: Any) -> None:
                with os.fdopen(writing, "wb") as out:
                    pickle.dump(what, out)
                os._exit(0)

            try:
                run(told)
            except BaseException:  # noqa: BLE001  it is told to whoever waits, and raised there
                told(Broken(traceback.format_exc()))
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        _, status = os.waitpid(pid, 0)
        if not content:
            return "never ends" if os.WIFSIGNALED(status) else "breaks off"
        if isinstance(answer := pickle.loads(content), Broken):
            raise RuntimeError(answer.why)  # noqa: TRY004  nobody has given a wrong type
        return answer


def first_red(collected: Collected, names: Sequence[str], tests: Tests) -> str | None:
    """The first of these tests that fails. One that does not end ends the process."""
    patient = {name: int(SLOWER * (1 + tests.seen[name][0])) for name in names}
    for name, green in collected.run(names, before=lambda name: signal.alarm(patient[name])):
        if not green:
            return name
    return None


def silence() -> None:
    """Nothing of this process is heard."""
    if os.environ.get("LOUD"):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
