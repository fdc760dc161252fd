"""make fuzz: a million notifications that nobody may believe, on every core, with the seed that makes them again."""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter

from tests.resilience.fuzz import judging
from tests.resilience.fuzz.judging import Outcome
from tests.resilience.fuzz.shares import share
from tests.resilience.fuzz.world import World


def main() -> int:
    """Exit status 1 when any of them was believed, or what is true was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.fuzz", description=__doc__)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default=None, help="the label that a failure was printed with")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    seed = int(time.time()) if given.seed is None else given.seed
    if given.only is not None:
        return _only(seed, given.only)
    began = time.monotonic()
    each = -(-given.many // given.workers)
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        outcomes = pool.map(share, [(seed + worker, each) for worker in range(given.workers)])
    whole = Outcome(seed)
    for outcome in outcomes:
        whole.counts += Counter(outcome.counts)
        whole.failures += outcome.failures
        whole.accepted += outcome.accepted
        whole.server_errors += outcome.server_errors
        whole.outbound += outcome.outbound
    sys.stdout.write(f"{whole.table()}\n{time.monotonic() - began:.0f} s\n")
    return 1 if whole.failures else 0


def _only(seed: int, label: str) -> int:
    outcome = Outcome(seed)
    with World() as world:
        for case in judging.again(world, seed=seed, label=label):
            sys.stdout.write(f"{case.kind}: {case.label}\n{case.event}\n")
            judging.tried(world, case, outcome)
    sys.stdout.write(f"{outcome.table()}\n")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
