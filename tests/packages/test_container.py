"""The Dockerfile's own commands, run here without an engine: what it installs, what it starts, what asks after its health."""

import json
import subprocess
import time
from pathlib import Path

from tests.kit.parameters import ROOT
from tests.kit.program import Program
from tests.packages.installed import Installed

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


def test_it_installs_the_folder_that_it_lies_in_as_nobody_and_asks_nobody_but_the_package_index() -> None:
    assert {line.split()[0] for line in LINES} == {
        *("FROM", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }
    assert "pip install --no-cache-dir /source" in instruction("RUN")
    assert [line for line in LINES if line.startswith("COPY . ")] == ["COPY . /source"]
    assert instruction("USER") == "65534:65534"
    assert not any(
        tool in line
        for line in LINES
        for tool in ("curl", "wget", "apt-get", "http://", "https://")
        if "HEALTHCHECK" not in line
    )


def test_its_start_answers_its_health_check_and_its_end_fails_it(
    simulator: Installed, tmp_path: Path
) -> None:
    """On loopback and on other ports: the image's own are somebody's on this machine, perhaps."""
    start = [*words_of("ENTRYPOINT"), *words_of("CMD")]
    ready = tmp_path / "ready.json"
    assert start[:6] == ["/simulator/bin/wechatpay-simulator", "serve", "--host", "0.0.0.0", "--port", "8181"]
    assert instruction("EXPOSE").split() == [
        start[start.index(f"--{name}") + 1] for name in ("port", "open-platform-port")
    ]
    assert instruction("VOLUME") == f'["{Path(start[start.index("--credentials") + 1]).parent}"]'
    moved = {"/simulator/": f"{simulator.home}/", "/credentials/": f"{tmp_path}/", "0.0.0.0": "127.0.0.1"}
    for old, new in moved.items():
        start = [word.replace(old, new) for word in start]
    start = ["0" if word in ("8181", "8182") else word for word in start]
    with Program(
        [*start, "--ready-file", str(ready)], env=simulator.environment, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        url = json.loads(ready.read_text())["url"]
        asked = words_of("HEALTHCHECK")
        assert asked[0] == "/simulator/bin/python"
        check = [str(simulator.python), asked[1], asked[2].replace("http://127.0.0.1:8181", url)]
        assert subprocess.run(check, check=False, timeout=30).returncode == 0
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert subprocess.run(check, check=False, timeout=30, stderr=subprocess.DEVNULL).returncode != 0
