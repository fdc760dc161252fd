"""No document promises a command that is not there: each target, variable, module, option and file that one names exists.

And each command is run: by .ci/run, or by a test of what it starts. What can only be run elsewhere is marked, with the reason.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from sandbox.cloudformation.template import parameters_of
from tests.documents.blocks import DOCUMENTS, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
PARAMETERS = frozenset(parameters_of(ROOT / "template.yaml"))
RUN_BY_A_TEST = {
    "api-fuzz": "tests/contract/test_fuzz.py",
    "cancel-refund": "tests/operations/test_cancel_refund.py",
    "cost": "tests/operations/test_cost.py",
    "crash": "tests/resilience/crash/test_single_faults.py",
    "doctor": "tests/operations/test_doctor.py",
    "destroy": "tests/operations/test_destroy.py",
    "restore": "tests/operations/test_restore.py",
    "deploy": "tests/operations/test_deploy.py",
    "exam": "tests/exam/test_own_stack.py",
    "fuzz": "tests/resilience/fuzz/test_notifications.py",
    "live": "tests/flows/test_live.py",
    "mutants": "tests/resilience/mutants/test_planting.py",
    "quarantine": "tests/operations/test_operations.py",
    "journal": "tests/operations/test_journal.py",
    "bills": "tests/operations/test_bills.py",
    "statement": "tests/operations/test_bills.py",
    "redrive": "tests/operations/test_operations.py",
    "republish": "tests/operations/test_operations.py",
    "secret": "tests/operations/test_secret.py",
    "storms": "tests/flows/test_refund_storms.py",
    "backlog": "tests/resilience/backlog/test_backlog.py",
    "orders": "tests/operations/test_orders.py",
    "bench": "tests/bench/test_bench.py",
    "bench-books": "tests/books/test_large_day.py",
    "bench-simulator": "tests/simulator/load/test_load.py",
    "invoke": "tests/sandbox/test_invoke.py",
    "sandbox": "tests/sandbox/test_strangers.py",
    "golive": "tests/operations/golive/test_golive.py",
    "first-hour": "tests/examples/test_by_hand.py",
}
"""Targets that .ci/run does not run, and the test that starts the same, in short."""
MARKED = {
    "audit": "checkov is 300 MB of packages: run by hand after a change of the template, and by GitHub's workflow",
    "workflows": "in checkov's environment: run by hand after a change of .github or of the simulator's container, and by GitHub's workflow",
    "drills": "keys change under load for a minute: run by hand, as its own tests in tests/resilience/drills",
    "built": "the HTTP tests again, on what `make build` made: run by hand before a release",
    "generated": "writes what is committed in clients; run by hand when docs/openapi.yaml has changed, which make clients tells",
    "help": "prints the list of targets",
    "clean": "deletes the environments",
    "pictures": "makes what is committed in docs/pictures: run by hand when a page has changed, and looked at",
    "lock": "asks a package registry for the newest versions",
}
MODULES_RUN = {
    "sandbox": "tests/sandbox/test_stack_commands.py",
    "wechatpay_simulator": "tests/simulator/test_command_line.py",
    "tests.refunding.growth": "tests/refunding/test_growth.py",
}
"""Modules that documents start by themselves, and the test that does."""
OTHERS_MODULES = {"venv", "build"}  # Python's own, and a packager's: nothing of ours


@dataclass(frozen=True)
class Told:
    """One command of a document: where, and its words."""

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.words)}"


def code(document: Path) -> list[tuple[int, str]]:
    """The lines of code blocks, and code within text, each with its line."""
    found, within = [], False
    for number, line in enumerate(document.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            within = not within
        elif within:
            found.append((number, line.strip()))
        else:
            found += [(number, span) for span in re.findall(r"`([^`]+)`", line)]
    return found


def commands(start: str) -> list[Told]:
    """The commands of all documents that begin so."""
    return [
        Told(f"{document.name}:{number}", tuple(words(text[found.end() :])))
        for document in DOCUMENTS
        for number, text in code(document)
        for found in re.finditer(rf"(?:^|[\s$]){start} +(?=[a-zA-Z])", text)
    ]


def words(text: str) -> list[str]:
    """Words up to a comment or the end of the command; brackets mark what may be left out."""
    plain = re.split(r"\s#|[|;&(]", text)[0].replace("[", " ").replace("]", " ")
    try:
        return shlex.split(plain)
    except ValueError:
        return plain.split()


@cache
def rule(target: str) -> str | None:
    """A target's line and recipe, with those of all targets that it needs or makes."""
    found = re.search(rf"^{re.escape(target)}:(.*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    if found is None:
        return None
    needed = found[1].split("##")[0].split() + [
        name
        for names in re.findall(r"\$\(MAKE\)(?: -\S+)*((?: [a-z-]+\b(?!=))+)", found[2])
        for name in names.split()
    ]
    return "\n".join([found[0], *(rule(each) or "" for each in needed if each != target)])


MAKES = commands("make")
MODULES = [told for told in commands(r"(?:\S*/)?python3? -m") if told.words[0] not in OTHERS_MODULES]


def test_there_is_something_to_check() -> None:
    assert len(MAKES) > 40
    assert len(MODULES) > 3


@pytest.mark.parametrize("told", MAKES, ids=str)
def test_a_make_command_has_its_target_and_its_variables(told: Told) -> None:
    assert wrong_with_make(told) is None


@pytest.mark.parametrize("told", MODULES, ids=str)
def test_a_module_is_there_with_its_options(told: Told) -> None:
    assert wrong_with_module(told) is None


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("demo ONCE=1", None),
        ("demonstrate", "the Makefile has no target demonstrate"),
        ("demo TWICE=1", "demo takes no TWICE"),
        ("doctor ENV=dev ARGS=--offline", None),
        ("doctor ENV=dev ARGS=--on-line", "doctor takes no --on-line"),
        ("deploy PARAMETERS=RefundsHeld=true", None),
        ("deploy PARAMETERS='PayScope=a/b Held=true'", "the template has no parameter Held"),
    ],
)
def test_what_is_wrong_with_a_make_command_is_told(words: str, wrong: str | None) -> None:
    assert wrong_with_make(Told("README.md:1", tuple(shlex.split(words)))) == wrong


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("wechatpay_simulator --port 1", None),
        ("wechatpay_simulators", "there is no module wechatpay_simulators"),
        ("wechatpay_simulator --prot 1", "wechatpay_simulator takes no --prot"),
    ],
)
def test_what_is_wrong_with_a_module_is_told(words: str, wrong: str | None) -> None:
    assert wrong_with_module(Told("README.md:1", tuple(words.split()))) == wrong


def wrong_with_make(told: Told) -> str | None:
    """What does not exist of a make command: its target, a variable, an option in ARGS."""
    target = next(word for word in told.words if "=" not in word)
    text = rule(target)
    if text is None:
        return f"the Makefile has no target {target}"
    for name, given, value in (word.partition("=") for word in told.words):
        if given and name.isupper() and name != "PYTHON" and not re.search(rf"\$[({{]{name}[)}}]", text):
            return f"{target} takes no {name}"
        if name == "PARAMETERS":
            for parameter in re.findall(r"(\w+)=", value):
                if parameter not in (*PARAMETERS, "Name"):  # as the form is called where no one is meant
                    return f"the template has no parameter {parameter}"
        for module in re.findall(r"\$\(OPERATE\)\.(\w+)", text) if name == "ARGS" else ():
            for option in re.findall(r"--[a-z-]+", value):
                if option not in options_of(f"operations.{module}"):
                    return f"{module} takes no {option}"
    return None


def wrong_with_module(told: Told) -> str | None:
    """What does not exist of `python -m`: the module, or an option."""
    module = told.words[0]
    path = ROOT / module.replace(".", "/")
    if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists():
        return f"there is no module {module}"
    named = (word.partition("=")[0] for word in told.words[1:] if word.startswith("--"))
    return next((f"{module} takes no {option}" for option in named if option not in options_of(module)), None)


@cache
def options_of(module: str) -> frozenset[str]:
    """The options that its own --help names."""
    command = [sys.executable, "-m", module, "--help"]
    environment = {"PYTHONPATH": "layers/payments:layers/wechatpay", "PATH": "/usr/bin:/bin"}
    told = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 0, told.stderr
    return frozenset(re.findall(r"--[a-z-]+", told.stdout))


@cache
def run_by_ci() -> frozenset[str]:
    """The targets that .ci/run makes, and all that those need."""
    text = (ROOT / ".ci/run").read_text()
    reached = set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    for target in list(reached):
        reached |= set(re.findall(r"^([a-z-]+):", rule(target) or "", re.MULTILINE))
    return frozenset(reached)


def test_every_make_command_of_a_document_is_run_or_marked() -> None:
    named = {word for told in MAKES for word in told.words[:1]}
    settled = run_by_ci() | RUN_BY_A_TEST.keys() | MARKED.keys()
    assert named - settled == set(), "run it in .ci/run, name the test that does, or mark it with the reason"


def test_what_is_said_to_be_run_by_a_test_is_there() -> None:
    for target, test in RUN_BY_A_TEST.items():
        recipe = rule(target)
        assert recipe is not None, target
        modules = re.findall(
            r"-m (sandbox) |-m (?:sandbox|tests)\.(?:\w+\.)*(\w+)|\(OPERATE\)\.(\w+)", recipe
        )
        started = {name for names in modules for name in names if name}
        text = (ROOT / test).read_text()
        named = {name for name in started if re.search(rf"\b{name}\b", text)} | (
            {Path(test).parts[1]} & started
        )
        assert named or test in recipe, f"{target} starts {started or recipe}, and {test} does not"


def test_every_module_of_a_document_is_run() -> None:
    assert {told.words[0] for told in MODULES} == set(MODULES_RUN)
    for module, test in MODULES_RUN.items():
        assert f'"{module}"' in (ROOT / test).read_text(), f"{test} does not start {module}"


def test_the_workflow_of_checks_runs_what_our_own_ci_runs() -> None:
    ours, theirs = (
        set(re.findall(r"(?:^|run: )make ([a-z-]+)", (ROOT / path).read_text(), re.MULTILINE))
        for path in (".ci/run", ".github/workflows/check.yml")
    )
    assert theirs == ours | {"audit", "workflows"}


FOLDERS = "docs|tests|sandbox|operations|functions|layers|events"


def test_every_file_that_a_document_names_is_there() -> None:
    missing = [
        f"{document.name}:{number}: {path}"
        for document in DOCUMENTS
        for number, text in code(document)
        for path in re.findall(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]*\w)", text)
        if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()
    ]
    assert missing == []
