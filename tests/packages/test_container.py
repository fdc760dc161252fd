"""The Dockerfile's own commands, run here without an engine: what it installs, what it starts, what asks after its health."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.clients.building import run
from tests.kit.parameters import ROOT
from tests.kit.program import Program

LINES = [
    line
    for line in (ROOT / "wechatpay_simulator/Dockerfile")
    .read_text(encoding="utf-8")
    .replace("\\\n", " ")
    .splitlines()
    if line and not line.startswith("#")
]


def instruction(name: str) -> str:
    (found,) = (line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} "))
    return found


def words_of(name: str) -> list[str]:
    """An instruction in the form that needs no shell."""
    found: list[str] = json.loads(instruction(name)[instruction(name).index("[") :])
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has at its root: the folder was copied, and RUN has run."""
    root = tmp_path_factory.mktemp("image")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "wechatpay_simulator", root / "source", ignore=ignored)
    unset = dict.fromkeys(("PYTHONPATH", "VIRTUAL_ENV"), "")
    run(["sh", "-ec", within(root, instruction("RUN"))], root, **unset)
    return root


def within(root: Path, text: str) -> str:
    """With the image's own folders below `root`."""
    return re.sub(r"(?<![\w/.])/(simulator|source|credentials)\b", rf"{root}/\1", text)


def test_it_copies_its_own_folder_runs_as_nobody_and_asks_nobody_but_the_package_index() -> None:
    assert {line.split()[0] for line in LINES} == {
        *("FROM", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }
    assert {line for line in LINES if line.startswith("COPY") and "--from=built" not in line} == {
        "COPY . /source"
    }
    assert instruction("USER") == "65534:65534"
    assert not re.search(r"curl|wget|apt-get|https?:", instruction("RUN"))


def test_its_start_answers_its_health_check_and_its_end_fails_it(image: Path) -> None:
    """On loopback and on free ports: the image's own are somebody's on this machine, perhaps."""
    start = [*words_of("ENTRYPOINT"), *words_of("CMD")]
    port, second = (start[start.index(f"--{name}") + 1] for name in ("port", "open-platform-port"))
    assert instruction("EXPOSE").split() == [port, second]
    assert words_of("VOLUME") == [str(Path(start[start.index("--credentials") + 1]).parent)]
    assert start[start.index("--host") + 1] == "0.0.0.0"
    here = {port: "0", second: "0", "0.0.0.0": "127.0.0.1"}
    ready = image / "ready.json"
    words = [here.get(word, within(image, word)) for word in start] + ["--ready-file", str(ready)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with Program(words, env=environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        told = json.loads(ready.read_text())
        assert Path(told["credentials"]).parent == image / "credentials"
        check = [
            within(image, word).replace(f"http://127.0.0.1:{port}", told["url"])
            for word in words_of("HEALTHCHECK")
        ]
        assert told["url"] in check[-1]
        assert subprocess.run(check, check=False, timeout=30).returncode == 0
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert subprocess.run(check, check=False, timeout=30, stderr=subprocess.DEVNULL).returncode != 0
