"""The simulator runs on Windows and macOS: it calls nothing that Unix alone has, and takes no encoding from where it runs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Program
from tests.kit.serving import Answering, serving

PACKAGE = Path(__file__).parents[2] / "wechatpay_simulator"
MODULES = sorted(PACKAGE.rglob("*.py"))

UNIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NO_ZONES = {"zoneinfo"}  # Windows has no table of time zones
UNIX_NAMES = {
    *(f"os.{name}" for name in ("chown", "fchmod", "fork", "forkpty", "getuid", "geteuid", "getpgid")),
    *(f"os.{name}" for name in ("killpg", "mkfifo", "set_blocking", "setsid", "setpgid", "uname", "wait")),
    *(f"signal.{name}" for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD")),
    *(f"signal.{name}" for name in ("alarm", "pause", "pthread_sigmask", "setitimer", "sigwait")),
    *(f"socket.{name}" for name in ("AF_UNIX", "SO_REUSEPORT", "SO_REUSEADDR", "fromfd")),
}
UNIX_ARGUMENTS = {"preexec_fn", "pass_fds", "start_new_session", "process_group"}
READING_OR_WRITING = {"open", "read_text", "write_text", "fdopen", "NamedTemporaryFile"}


def on_every_system(tree: ast.AST) -> Iterator[ast.AST]:
    """All that is run everywhere: not what stands behind a question for the system."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.IfExp) and asks_for_the_system(node.test):
            if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Raise):
                return  # what follows is the other systems'
            continue
        if isinstance(node, ast.keyword) and asks_for_the_system(node.value):
            continue
        yield node
        yield from on_every_system(node)


def asks_for_the_system(question: ast.expr) -> bool:
    return "sys.platform" in ast.unparse(question) or "os.name" in ast.unparse(question)


def of_unix_alone(tree: ast.AST) -> Iterator[str]:
    for node in on_every_system(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in UNIX_MODULES | NO_ZONES)
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{each.name}" for each in node.names]
            yield from (name for name in found if name in UNIX_NAMES)
            if node.module in UNIX_MODULES | NO_ZONES:
                yield str(node.module)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in UNIX_NAMES:
            yield ast.unparse(node)
        elif isinstance(node, ast.Attribute) and node.attr == "add_signal_handler":
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg in UNIX_ARGUMENTS:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "%-" in node.value:
            yield node.value  # a date's digits without zeros, as C libraries of Unix have it


def without_an_encoding(tree: ast.AST) -> Iterator[str]:
    """Texts that are read or written as the machine's settings have it: cp1252 on many a Windows."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg for keyword in node.keywords}
        name = ast.unparse(node.func).rpartition(".")[2]
        binary = any(
            isinstance(each, ast.Constant) and isinstance(each.value, str) and "b" in each.value
            for each in node.args
        )
        asked = name in READING_OR_WRITING and not binary and ast.unparse(node.func) != "self.open"
        if (asked or given & {"text", "universal_newlines"}) and "encoding" not in given:
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_needs_no_unix_and_no_locale(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert list(of_unix_alone(tree)) == []
    assert list(without_an_encoding(tree)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import fcntl",
        "from resource import getrusage",
        "from os import fork",
        "pid = os.fork()",
        "process.send_signal(signal.SIGKILL)",
        "os.set_blocking(1, False)",
        "loop.add_signal_handler(15, end)",
        "subprocess.Popen(words, start_new_session=True)",
        "now.strftime('%-d')",
        "from zoneinfo import ZoneInfo",
    ],
)
def test_what_unix_alone_has_is_seen(line: str) -> None:
    assert list(of_unix_alone(ast.parse(line)))
    asked = (
        f"if sys.platform != 'win32':\n    {line}",
        f"def end():\n    if sys.platform == 'win32':\n        return\n    {line}",
    )
    assert [list(of_unix_alone(ast.parse(each))) for each in asked] == [[], []]


@pytest.mark.parametrize(
    "line", ["path.read_text()", "open('f', 'a')", "path.write_text('✓')", "subprocess.run(words, text=True)"]
)
def test_a_text_without_an_encoding_is_seen(line: str) -> None:
    assert list(without_an_encoding(ast.parse(line)))


AS_ON_WINDOWS = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}


def test_an_outcome_is_told_on_a_console_that_has_no_signs_for_it(credentials_file: Path) -> None:
    class Believing(Answering):
        def do_POST(self) -> None:
            self.body()
            self.answer(200)

    words = [sys.executable, "-m", "wechatpay_simulator", "trigger", "payment.succeeded"]
    with serving(Believing) as origin:
        words += ["--to", f"{origin}/notify", "--credentials", str(credentials_file)]
        done = {
            tamper: subprocess.run(
                [*words, *tamper],
                env=os.environ | AS_ON_WINDOWS,
                capture_output=True,
                check=False,
                timeout=60,
            )
            for tamper in [(), ("--tamper", "signature")]
        }
    right, wrong = done.values()
    assert (right.returncode, wrong.returncode) == (0, 1), right.stderr + wrong.stderr
    assert b"\n  ok 200 after" in right.stdout
    assert b"\n  NO 200 after" in wrong.stdout


def test_a_log_of_chinese_words_is_written_to_such_a_console(credentials_file: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "wechatpay_simulator",
        "serve",
        "--credentials",
        str(credentials_file),
        "--log",
    ]
    with Program(
        words, env=os.environ | AS_ON_WINDOWS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = process.stdout.readline().strip()
        asked = [sys.executable, "-c", "import sys, urllib.request as r; r.urlopen(sys.argv[1])"]
        subprocess.run([*asked, f"{url}/v3/certificates"], check=False, capture_output=True, timeout=30)
        process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert "GET /v3/certificates" in errors
    assert r"\u" in errors  # SIGN_ERROR: and what WeChat Pay says of it
    assert "Traceback" not in errors
