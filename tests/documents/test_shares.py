"""What a run leaves out is drawn, named and drawn again: by one seed the same share in every process, and all of it if thorough."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = "tests/http/test_matrix.py"
WORLDS = "tests/flows"
FEW_CASES = 8


def collected(**environment: str) -> list[str]:
    """The tests that a run would try, by name."""
    known = {name: value for name, value in os.environ.items() if name not in ("SHARE", "THOROUGH")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", CASES, WORLDS],
        env=known | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return [line for line in done.stdout.splitlines() if line.startswith("tests/")]


def files(names: list[str]) -> set[str]:
    return {name.partition("::")[0] for name in names}


def test_a_seed_draws_the_same_share_again_and_a_thorough_run_takes_all() -> None:
    first, again, other = (collected(SHARE=seed) for seed in ("1", "1", "2"))
    everything = collected(THOROUGH="1")
    assert first == again
    assert first != other
    assert set(first) | set(other) < set(everything)
    some, every = (
        Counter(name.partition("[")[0] for name in names if name.startswith(CASES))
        for names in (first, everything)
    )
    assert set(some) == set(every)
    crowded = [test for test, count in every.items() if count > FEW_CASES]
    assert crowded
    assert all(some[test] < every[test] for test in crowded)
    assert files(first) != files(other)
    assert files(first) < files(everything)
