"""Commands within the text of documents, and of .env.example: each is run here, by the test that is named, or cannot be run here, and why."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from operations.configuration import of_file
from payments.core.access import MIN_KEY_CHARACTERS
from tests.documents.blocks import DOCUMENTS, ROOT
from wechatpay_simulator import Credentials

PROGRAMS = "curl|wget|openssl|git|pip|npm|npx|node|cp|mv|rm|docker|sam|uv|export|apt-get|brew|chmod"
"""Of make, python -m and aws, test_commands.py and test_aws_commands.py hold each word."""
EXAMPLE = ROOT / ".env.example"


def inline() -> list[tuple[str, str]]:
    """Document and command, as it stands between backticks; in .env.example behind words, or alone."""
    found = []
    for document in DOCUMENTS:
        prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
        for command in re.findall(rf"`((?:{PROGRAMS})\s[^`]+)`", prose):
            found.append((document.name, " ".join(command.split())))
    for command in re.findall(r"(?:cp|openssl) [a-z0-9.][-\w. ]*[\w]", EXAMPLE.read_text()):
        found.append((EXAMPLE.name, command))
    return found


COMMANDS = sorted({command for _, command in inline()})
ELSEWHERE = {
    "sam validate --lint": "make template runs it",
    "npm pack": "tests/clients/building.py runs it",
    "npm install": "tests/kit/npm.py runs it",
    "node examples/exam-express/right.js": "tests/examples/test_exam_backends.py runs it",
    "node examples/exam-express/naive.js": "tests/examples/test_exam_backends.py runs it",
}
NOT_HERE = {
    "sam local invoke": "sam needs containers",
    "pip install flask standardwebhooks": "asks a package registry; both are in this environment, and run what stands below it",
    "git ls-remote https://github.com/actions/checkout 'refs/tags/v5*'": "asks GitHub",
    "git checkout <that commit>": "changes the files that the tests run from",
    "openssl rehash": "names a tool, and is nobody's to run",
    "openssl pkcs12": "names a tool, and is nobody's to run",
}


def run(command: str, folder: Path) -> str:
    """What it prints; it must succeed."""
    words = ["bash", "-ec", command]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


def a_key(_: str, told: str) -> None:
    assert len(told.strip()) >= MIN_KEY_CHARACTERS


def a_serial_number(_: str, told: str) -> None:
    assert re.fullmatch(r"serial=[0-9A-F]{39,40}\n", told)


def a_copy(folder: str, _: str) -> None:
    assert of_file(Path(folder, ".env")).names == frozenset()


def nothing_wrong(_: str, told: str) -> None:
    assert told


RUN_HERE = {
    "openssl rand -hex 32": a_key,
    "openssl x509 -in apiclient_cert.pem -noout -serial": a_serial_number,
    "cp .env.example .env": a_copy,
    'git grep -n "abnormal_refund\\|refund/abnormal"': nothing_wrong,
}


def test_each_command_is_settled_in_one_way_and_nothing_is_that_stands_nowhere() -> None:
    ways = [*RUN_HERE, *ELSEWHERE, *NOT_HERE]
    assert sorted(ways) == COMMANDS


@pytest.mark.parametrize("command", sorted(RUN_HERE))
def test_a_command_does_what_it_is_shown_for(command: str, tmp_path: Path) -> None:
    if shutil.which(command.split(maxsplit=1)[0]) is None:
        pytest.skip(f"needs {command.split(maxsplit=1)[0]}")
    known = Credentials.load_or_create(tmp_path / "credentials.json")
    (tmp_path / "apiclient_cert.pem").write_text(known.merchant_certificate)
    shutil.copy(EXAMPLE, tmp_path)
    told = run(command, ROOT if command.startswith("git") else tmp_path)
    RUN_HERE[command](str(tmp_path), told)


def test_who_runs_it_elsewhere_does() -> None:
    assert "sam validate --lint" in (ROOT / "Makefile").read_text()
    assert '"npm", "pack"' in (ROOT / "tests/clients/building.py").read_text()
    assert '"npm", "install"' in (ROOT / "tests/kit/npm.py").read_text()
    assert "exam.md" in (ROOT / "tests/examples/test_exam_backends.py").read_text()
