"""The sandbox's clock: only forward, and the same for processes that it starts."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.clock import MAX_AHEAD_SECONDS, Clock

SHIFT = Path(__file__).parents[2] / "sandbox" / "functions" / "clock_shift"


def test_it_shows_the_machines_time_until_it_is_advanced():
    clock = Clock()
    assert clock.time() == pytest.approx(time.time(), abs=0.5)
    clock.advance(90)
    clock.advance(0.5)
    assert clock.time() == pytest.approx(time.time() + 90.5, abs=0.5)


@pytest.mark.parametrize("seconds", [-1, -0.001, float("inf"), float("nan"), MAX_AHEAD_SECONDS + 1])
def test_it_refuses_to_go_back_or_to_the_end_of_time(seconds):
    clock = Clock()
    with pytest.raises(ValueError, match="advance must"):
        clock.advance(seconds)
    assert clock.time() == pytest.approx(time.time(), abs=0.5)


def run(code, environment):
    """What this code prints in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_a_process_sees_the_advance_while_it_runs(tmp_path):
    clock = Clock(tmp_path / "clock")
    clock.advance(1000)
    code = "import time; print(time.time(), flush=True); input(); print(time.time()); print(time.time_ns() / 1e9)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SHIFT), "SANDBOX_CLOCK_FILE": str(clock.file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert float(process.stdout.readline()) == pytest.approx(time.time() + 1000, abs=2)
        clock.advance(86400)
        out, _ = process.communicate("\n")
    assert [float(line) for line in out.split()] == pytest.approx([time.time() + 87400] * 2, abs=2)


def test_the_machines_own_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.machines_own = True\n")
    out = run(
        "import sys, sitecustomize; print(machines_own, sitecustomize.__file__, any('shift' in p for p in sys.path))",
        {"PYTHONPATH": f"{SHIFT}:{tmp_path}"},
    )
    assert out.split() == ["True", str(tmp_path / "sitecustomize.py"), "False"]


def test_without_a_clock_file_nothing_is_touched():
    assert run("import time; print(type(time.time).__name__)", {"PYTHONPATH": str(SHIFT)}).strip() == (
        "builtin_function_or_method"
    )
