"""The commands of docs/operations.md, as they stand there, against `python -m sandbox`."""

import datetime as dt
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Program

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
SECTION = re.search(
    r"^## On a laptop\n(.*?)^## ", (ROOT / "docs/operations.md").read_text(), re.DOTALL | re.MULTILINE
)
DOCUMENTED = re.findall(r"^make (.+?)(?: +#.*)?$", SECTION[1] if SECTION else "", re.MULTILINE)
CHANGE = re.findall(r"^WECHAT_\w+=\w+$", SECTION[1] if SECTION else "", re.MULTILINE)
ENDS = {
    "doctor": (0, "doctor: all green"),
    "golive": (0, "# Go-live report: wechatpay-sandbox"),
    "quarantine": (0, "quarantine: empty"),
    "redrive": (0, "redrive: 0 messages moved"),
    "republish": (0, "republish: 0 events sent"),
    "journal": (0, "journal: 0 payments, 0 rows"),
    "orders": (0, "orders: 0"),
    "secret": (0, "secret: VerificationSecretArn is written"),
    "cancel-refund": (2, "there is no order WXABCDEFGHIJKLMNOPQRSTUVWX23"),
}
"""What each ends with: make's own status, and a sentence. (make ends with 2 where its command fails.)"""


@pytest.fixture(scope="module")
def exported() -> Iterator[dict[str, str]]:
    """What the sandbox says one must export, and nothing else but a path."""
    with Program(
        [sys.executable, "-m", "sandbox", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        (told,) = re.findall(r"^operations .* after: export (.+)$", said, re.MULTILINE)
        yield {"PATH": "/usr/bin:/bin", **dict(pair.split("=", 1) for pair in told.split())}
        process.terminate()
        process.communicate(timeout=20)


def make(words: list[str], exported: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # The environment that this test runs in, whose making is another test's matter.
    ready = ["-o", f"{sys.prefix}/.ready", f"V={sys.prefix}"]
    return subprocess.run(
        ["make", *ready, *words],
        cwd=ROOT,
        env=exported,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_commands_go_by_the_sandboxes_clock(exported: dict[str, str], tmp_path: Path) -> None:
    """Two days on, the list begins a day after today. A clock that has ended with its sandbox is none."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    with Path(exported["SANDBOX_CLOCK_FILE"]).open(
        "r+b", buffering=0
    ) as clock:  # in place, as the sandbox does
        clock.write(struct.pack("<q", 2 * 86400 * 10**9))
        try:
            listed = make(["bills", "ENV=sandbox"], exported)
        finally:
            clock.seek(0)
            clock.write(bytes(8))
    yesterday = (now + dt.timedelta(hours=8) - dt.timedelta(days=1)).date()
    assert listed.stdout.splitlines()[1].split()[0] == yesterday.isoformat(), listed.stderr
    ended = make(["quarantine", "ENV=sandbox"], exported | {"SANDBOX_CLOCK_FILE": str(tmp_path / "gone")})
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_document_shows_every_command() -> None:
    assert sorted(ENDS) == sorted(line.split()[0] for line in DOCUMENTED)


@pytest.mark.parametrize("line", DOCUMENTED)
def test_a_documented_command_does_its_work(line: str, exported: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "change.env").write_text("\n".join(CHANGE))
    words = line.replace("FILE=change.env", f"FILE={tmp_path}/change.env").split()
    done = make(words, exported)
    status, sentence = ENDS[words[0]]
    assert sentence in done.stdout + done.stderr
    assert done.returncode == status, done.stdout + done.stderr
