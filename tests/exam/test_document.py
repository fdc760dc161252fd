"""docs/exam.md: its command does what it is printed for, and its output is that of a run."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wechatpay_simulator.examining.arguments import parser
from wechatpay_simulator.examining.checklist import ROWS

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "exam.md").read_text(encoding="utf-8")
MISTAKES = "has_no_clock counts_each_time trusts_the_amount closes_by_its_own_books refunds_under_new_numbers"
"""The five of the backend that the document speaks of."""


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def unchanging(text: str) -> str:
    """Without what a machine has a share in: how long something took."""
    return re.sub(r"took \d\.\d\d s", "took … s", text)


def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    """The document's command, with this test's backend in place of the one that it speaks of, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    backend = shlex.quote(f"cd {ROOT} && exec {sys.executable} -m tests.exam.program {MISTAKES}")
    command = block("sh").replace('"node server.js"', backend).replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    assert command.startswith("python ")
    return subprocess.run(
        ["bash", "-c", command.replace("python ", f"{sys.executable} ", 1)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_output_is_that_of_the_command(tmp_path):
    done = ran(tmp_path)
    assert unchanging(done.stdout) == unchanging(block("text"))
    assert (done.returncode, done.stderr) == (1, "")
    assert (tmp_path / "report.xml").exists()
    assert (tmp_path / "report.md").exists()


def test_the_table_has_every_row_and_every_option():
    named = re.findall(
        r"`(\w+)`", " ".join(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", DOCUMENT, re.MULTILINE))
    )
    assert named == [row.name for row in ROWS]
    options = set(re.findall(r"--[a-z-]+", parser().format_help())) - {"--help"}
    assert {option for option in options if f"`{option}" not in DOCUMENT} == set()


def test_the_steps_for_ci_are_commands_that_are_understood():
    steps = yaml.safe_load(block("yaml"))
    (words,) = [shlex.split(step["run"]) for step in steps if "wechatpay_simulator exam" in step["run"]]
    asked = parser().parse_args(words[words.index("exam") + 1 :])
    assert str(asked.markdown) in steps[-1]["run"]
