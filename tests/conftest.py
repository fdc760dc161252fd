"""Which tests `make test` runs, which of them stay together when several processes share the work, and a wait."""

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling, Scheduling

from tests.kit.aws_line import begin_anew
from tests.processor_time import ProcessorTime
from tests.thorough import DRAW, THOROUGH, drawn, told

ROOT = Path(__file__).parent

# A full collection over a million rows, records and answers stops a sandbox for longer than the second that its functions
# wait for their table. Young garbage is collected as ever.
gc.set_threshold(100_000, 50, 100)

# Functions that run in the tests' own process wait as long for their table as those of a sandbox do.
os.environ.setdefault("AWS_TIMEOUT_SECONDS", "30")

# Folders whose tests look at what the others of the folder left behind, or have one sandbox for several files.
TOGETHER = {"http", "identity", "pages"}

# Begun first, in this order: so that what comes last is short, and no process waits for another's long file.
FIRST = ("http", "operations", "flows", "fuzz", "sandbox", "contract", "backlog", "payments", "functions")

# What a run draws that is not thorough: of files that start worlds of their own, and of a test of many cases that is not
# marked. What holds texts and templates is whole: it costs little, and whoever changes them has nothing else.
FILES_IN_TURN = 3 if THOROUGH else 6
FEW_CASES, OF_MANY_CASES = 8, 4
WHOLE = {"documents", "template", "deployed", "audit", "contract"}

ALONE = {
    "browser",
    "clients",
    "drills",
    "dynalite",
    "examples",
    "node",
    "packages",
}  # with more needs than the suite: run when named


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a folder of ALONE unless it, or something in it, was asked for."""
    parts = collection_path.relative_to(ROOT).parts
    alone = next((place for place, name in enumerate(parts, 1) if name in ALONE), None)
    if alone is None:
        return None
    folder = ROOT.joinpath(*parts[:alone])
    named = (config.invocation_params.dir / argument.partition("::")[0] for argument in config.args)
    return None if any(path.resolve().is_relative_to(folder) for path in named) else True


def _rank(nodeid: str) -> int:
    folder = Path(nodeid.partition("::")[0]).parent.name
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


class Together(LoadScopeScheduling):
    """A file's tests go to one process, which has made what they share; a folder's, where they belong together.

    In the order in which they were collected: xdist would begin with the files of most tests, and end with the longest.

    xdist's own `loadgroup` would say so by marks, and pytest 9 does not hand them on.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = Path(file).parent.name
        return folder if folder in TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """For `--dist loadscope`, as `make test` runs."""
    if config.getvalue("dist") != "loadscope":
        return None
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, and count processor time where a run is asked what takes long."""
    if config.option.durations is not None:
        config.pluginmanager.register(ProcessorTime())
    config.addinivalue_line(
        "markers", "share(one_in, of_file=True): one in so many of its cases, or of its file's tests"
    )
    config.addinivalue_line(
        "markers", f"in_turn: of all files that are marked so, one in {FILES_IN_TURN} is in a run"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what is marked so, leave the drawn share: the same in every process, and in one order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.nodeid))
    if config.option.keyword or any("::" in argument for argument in config.args):
        return  # asked for by name
    shared = [item for item in items if not THOROUGH or DRAW.intersection(item.path.relative_to(ROOT).parts)]
    worlds = dict.fromkeys(item.path for item in shared if item.get_closest_marker("in_turn"))
    idle = set(worlds) - set(drawn(worlds, "files", one_in=FILES_IN_TURN))
    left_out = {item for item in shared if item.path in idle}
    cases: dict[str, list[pytest.Item]] = {}
    for item in shared:
        if item not in left_out:
            mark = item.get_closest_marker("share")
            whose = "::" if mark and mark.kwargs.get("of_file") else "["
            cases.setdefault(item.nodeid.partition(whose)[0], []).append(item)
    for test, its_items in cases.items():
        if mark := its_items[0].get_closest_marker("share"):
            (one_in,) = mark.args
        elif len(its_items) > FEW_CASES and its_items[0].path.parent.name not in WHOLE:
            one_in = OF_MANY_CASES
        else:
            continue
        left_out |= set(its_items) - set(drawn(its_items, test, one_in=one_in))
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: no collection need look through it again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have to say (`record_property("at_the_end", …)`), then the share of the exhaustive ones that was proven."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, said in report.user_properties:
            if name == "at_the_end":
                terminalreporter.write_line(said)
    terminalreporter.write_line(told())


@pytest.fixture(autouse=True, scope="module")
def no_line_to_an_earlier_aws() -> None:
    """A process keeps its session, and with it address and credentials, for as long as it lives."""
    begin_anew()


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Fails unless the condition comes true within five seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "did not come true within five seconds"
            time.sleep(0.005)

    return wait
