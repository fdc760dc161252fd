"""`python -m tests.crash`: every ordered pair of faults, flow by flow; or one choice of faults again."""

import argparse
import random
import sys
import time
from collections import Counter

from tests.crash.effects import Fault
from tests.crash.flows import BY_NAME, Flow
from tests.crash.trial import Verdict, following, tried
from tests.crash.world import World

PAIRS = ("native", "jsapi", "notify", "notify_refund", "refund", "refund_no_key", "close", "close_paid")
SAY_EVERY = 20  # seconds


class Tally:
    """Counts runs, says how far they are, prints each violation once with the command that repeats it."""

    def __init__(self, flow: str) -> None:
        self._flow = flow
        self._began = self._said = time.monotonic()
        self.runs = Counter[int]()  # by number of faults
        self.violations = 0

    def took(self, verdict: Verdict) -> None:
        """One more run."""
        self.runs[len(verdict.faults)] += 1
        if verdict.violations:
            self.violations += 1
            print(verdict, flush=True)
        if time.monotonic() - self._said > SAY_EVERY:
            self._said = time.monotonic()
            self.say("…")

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def say(self, end: str) -> None:
        """One line."""
        counts = f"{self.runs[1]} single faults, {self.runs[2]} pairs"
        print(f"{self._flow}: {counts}, {self.violations} violations, {self.seconds:.0f} s {end}", flush=True)


def pairs(world: World, flow: Flow, *, seconds: float, seed: int) -> Tally:
    """Every pair of one flow in an order drawn from `seed`, for at most `seconds`."""
    tally = Tally(flow.name)
    sound = tried(world, flow, seed=seed)
    tally.took(sound)
    firsts = []
    for faults in following(sound):
        verdict = tried(world, flow, faults, seed=seed)
        tally.took(verdict)
        firsts.append(verdict)
    # What follows the first fault decides which effects a second one can hit, so each first one has its own.
    choices = [faults for verdict in firsts for faults in following(verdict)]
    random.Random(seed).shuffle(choices)
    for faults in choices:
        if tally.seconds > seconds:
            tally.say(f"of {len(choices)} pairs: time is up")
            return tally
        tally.took(tried(world, flow, faults, seed=seed))
    tally.say("complete")
    return tally


def main() -> int:
    """0 without violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--flow", choices=sorted(BY_NAME), help="only this one")
    parser.add_argument(
        "--faults", help="run just these, as a failure names them: 5:die_before,9:busy or none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="for all flows together")
    asked = parser.parse_args()
    flows = [BY_NAME[name] for name in ((asked.flow,) if asked.flow else PAIRS)]
    with World() as world:
        if asked.faults:
            named = () if asked.faults == "none" else asked.faults.split(",")
            verdict = tried(world, flows[0], tuple(map(Fault.parsed, named)), seed=asked.seed)
            for number, name in enumerate(verdict.effects, start=1):
                print(number, name)
            print(verdict)
            return 1 if verdict.violations else 0
        share = asked.minutes * 60 / len(flows)
        tallies = [pairs(world, flow, seconds=share, seed=asked.seed) for flow in flows]
    print(
        f"{sum(tally.runs[1] for tally in tallies)} single faults, {sum(tally.runs[2] for tally in tallies)} pairs,"
        f" {sum(tally.violations for tally in tallies)} violations"
    )
    return 1 if any(tally.violations for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
