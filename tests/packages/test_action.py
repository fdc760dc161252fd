"""The GitHub Action's own lines, run with bash as a runner would; and what README.md shows of it."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.parameters import ROOT
from tests.packages.installed import Installed

ACTION = yaml.safe_load((ROOT / "wechatpay_simulator/action.yml").read_text(encoding="utf-8"))
INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")


def step(name: str) -> dict[str, Any]:
    (found,) = (each for each in ACTION["runs"]["steps"] if each["name"] == name)
    assert found["shell"] == "bash"
    return dict(found)


def variables(of: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """The step's environment with these inputs, and the defaults of the others."""
    defaults = {name: each["default"] for name, each in ACTION["inputs"].items()}
    values = defaults | given
    return {name: INPUT.sub(lambda found: values[found[1]], text) for name, text in of.get("env", {}).items()}


def ran(name: str, runner: dict[str, str], given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As a runner does it: bash, ended by the first command that fails."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]]
    environment = runner | variables(step(name), given)
    return subprocess.run(
        words,
        env=environment,
        cwd=runner["RUNNER_TEMP"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def runner(dist: Path, client: Installed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A runner whose python has nothing, and to whose package index our wheel was added: it has run the step `install`."""
    folder = tmp_path_factory.mktemp("runner")
    found = client.environment | {
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_ACTION_PATH": str(ROOT / "wechatpay_simulator"),
        "PIP_FIND_LINKS": str(dist),
        "PATH": f"{client.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    done = ran("install", found, {})
    assert done.returncode == 0, done.stderr
    for name in (
        "json",
        "starlette",
        "wechatpay_simulator",
    ):  # the job's own, which have nothing to do with it
        (folder / f"{name}.py").write_text("raise SystemExit('this is the job's')\n")
    return found


@contextmanager
def served(runner: dict[str, str], given: dict[str, str]) -> Iterator[dict[str, str]]:
    """The step's outputs; what it has left running is ended, as a runner does at the end of a job."""
    output = Path(runner["GITHUB_OUTPUT"])
    output.write_text("")
    done = ran("serve", runner, given)
    assert done.returncode == 0, done.stderr
    ready = Path(runner["RUNNER_TEMP"], "wechatpay-simulator/ready.json")
    process = json.loads(ready.read_text())["pid"]
    try:
        yield dict(line.split("=", 1) for line in output.read_text().splitlines())
    finally:
        os.kill(process, signal.SIGTERM)
        while ready.exists():
            time.sleep(0.01)


def test_it_serves_until_the_job_ends_and_says_where(runner: dict[str, str]) -> None:
    with served(runner, {"notify-host": "shop host.docker.internal"}) as told:
        assert told.keys() == {"url", "open-platform-url", "credentials"} == set(ACTION["outputs"])
        with urllib.request.urlopen(f"{told['url']}/_sandbox/settings", timeout=5) as answer:
            assert json.load(answer)["h5Domains"]
        assert json.loads(Path(told["credentials"]).read_text())["mchid"]
        assert Path(told["credentials"]).is_relative_to(runner["RUNNER_TEMP"])


def test_what_it_cannot_begin_with_fails_the_step_in_words(runner: dict[str, str]) -> None:
    for given, says in (
        ({"port": "70000"}, "argument --port"),
        ({"notify-host": "a:1"}, "argument --notify-host"),
    ):
        done = ran("serve", runner, given)
        assert done.returncode == 1
        assert says in done.stderr


def test_no_input_is_written_into_a_script() -> None:
    for each in ACTION["runs"]["steps"]:
        assert "${{" not in each["run"]


def test_the_readme_asks_for_inputs_and_outputs_that_there_are() -> None:
    readme = (ROOT / "wechatpay_simulator/README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    use, test = yaml.safe_load(shown)
    assert (ROOT / use["uses"] / "action.yml").exists()
    assert set(use["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"steps\.wechatpay\.outputs\.([a-z-]+)", str(test))) <= set(ACTION["outputs"])
    for name in (*ACTION["inputs"], *ACTION["outputs"]):
        assert f"`{name}`" in readme
