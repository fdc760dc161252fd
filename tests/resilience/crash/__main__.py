"""`python -m tests.resilience.crash`: every ordered pair of faults of many flows; or one choice of faults again."""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable

from tests.resilience.crash.effects import Fault
from tests.resilience.crash.flows import BY_NAME
from tests.resilience.crash.trial import Verdict, following, tried
from tests.resilience.crash.workers import Choice, Workers
from tests.resilience.crash.world import World

PAIRS = (
    "checkout_take_over",
    "native",
    "jsapi",
    "notify",
    "notify_refund",
    "refund",
    "refund_no_key",
    "close",
    "close_paid",
)
SAY_EVERY = 20  # seconds
FOR_FIRSTS = 1 / 3  # of the time: what follows a first fault decides which second ones there are


class Tally:
    """Counts runs, says how far they are, prints each violation once with the command that repeats it."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._began = self._said = time.monotonic()
        self.runs = Counter[str]()  # by flow
        self.violations = 0

    def took(self, verdict: Verdict) -> Verdict:
        """One more run."""
        self.runs[verdict.flow] += 1
        if verdict.violations:
            self.violations += 1
            print(verdict, flush=True)
        if time.monotonic() - self._said > SAY_EVERY:
            self._said = time.monotonic()
            self._say()
        return verdict

    def __str__(self) -> str:
        return f"{self.runs.total():,} of {self._total:,} {self._what}"

    def _say(self) -> None:
        rate = self.runs.total() / (time.monotonic() - self._began)
        left = (self._total - self.runs.total()) / rate / 60
        print(f"{self}, {rate:.1f} a second, {left:.0f} min left, {self.violations} violations", flush=True)


class Campaign:
    """All runs of some flows, drawn from `seed`; two processes work on them until `end` (monotonic seconds)."""

    def __init__(self, workers: Workers, *, seed: int, end: float) -> None:
        self._workers = workers
        self._seed = seed
        self._end = end
        self.tallies: list[Tally] = []

    def run(self, flows: Iterable[str]) -> None:
        """The flows without a fault, with each one, and with each one that can follow it."""
        began = time.monotonic()
        sound = self._tried("runs without a fault", [(flow, ()) for flow in flows], until=self._end)
        firsts_end = began + (self._end - began) * FOR_FIRSTS
        firsts = self._tried("single faults", _following(sound), until=firsts_end)
        self._tried("pairs", _following(firsts), until=self._end)

    @property
    def violations(self) -> int:
        """How many runs ended badly."""
        return sum(tally.violations for tally in self.tallies)

    def _tried(self, what: str, choices: list[Choice], *, until: float) -> list[Verdict]:
        random.Random(self._seed).shuffle(choices)  # so that a short time sees something of everything
        self.tallies.append(tally := Tally(what, len(choices)))
        found = self._workers.tried(choices, seed=self._seed, until=until)
        return [tally.took(verdict) for verdict in found]


def _following(verdicts: Iterable[Verdict]) -> list[Choice]:
    # By name, for they come in the order of whoever was faster, and a seed is to draw the same runs again.
    choices = [(verdict.flow, faults) for verdict in verdicts for faults in following(verdict)]
    return sorted(choices)


def repeated(flow: str, faults: str, *, seed: int) -> int:
    """One run again, with its effects; 0 without violations."""
    named = () if faults == "none" else faults.split(",")
    with World() as world:
        verdict = tried(world, BY_NAME[flow], tuple(map(Fault.parsed, named)), seed=seed)
    for number, name in enumerate(verdict.effects, start=1):
        print(number, name)
    print(verdict)
    return 1 if verdict.violations else 0


def main() -> int:
    """0 without violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.crash", description=__doc__)
    parser.add_argument("--flow", choices=sorted(BY_NAME), help="only this one")
    parser.add_argument(
        "--faults", help="run just these, as a failure names them: 5:die_before,9:busy or none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="for all flows together")
    asked = parser.parse_args()
    flows = (asked.flow,) if asked.flow else PAIRS
    if asked.faults:
        return repeated(flows[0], asked.faults, seed=asked.seed)
    began = time.monotonic()
    with Workers() as workers:
        campaign = Campaign(workers, seed=asked.seed, end=began + asked.minutes * 60)
        campaign.run(flows)
    _, firsts, pairs = campaign.tallies
    for flow in flows:
        print(f"{flow}: {firsts.runs[flow]} single faults, {pairs.runs[flow]} pairs")
    seconds = time.monotonic() - began
    print(f"{len(flows)} flows, {firsts}, {pairs}, {campaign.violations} violations, {seconds:.0f} s")
    return 1 if campaign.violations else 0


if __name__ == "__main__":
    sys.exit(main())
