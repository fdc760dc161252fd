"""One worker's share of a long run, with a world of its own and progress on standard output."""

import sys
import time

from tests.resilience.fuzz import judging
from tests.resilience.fuzz.judging import Outcome
from tests.resilience.fuzz.world import World


def share(given: tuple[int, int]) -> Outcome:
    """The run with this seed, of so many cases."""
    seed, many = given
    began = time.monotonic()

    def progress(outcome: Outcome) -> None:
        done, bad = outcome.counts.total(), len(outcome.failures)
        if done % 50_000 == 0:
            sys.stdout.write(
                f"seed {seed}: {done:,} of {many:,}, {bad} failed, {time.monotonic() - began:.0f} s\n"
            )
            sys.stdout.flush()

    with World() as world:
        return judging.run(world, seed=seed, many=many, progress=progress)
