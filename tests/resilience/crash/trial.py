"""One flow with one choice of faults, from beginning to verdict; and the line that repeats it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.resilience.crash.effects import Fault
from tests.resilience.crash.flows import Flow
from tests.resilience.crash.functions import Planted
from tests.resilience.crash.modes import MisplacedError, modes_of
from tests.resilience.crash.run import Run
from tests.resilience.crash.shop import Shop
from tests.resilience.crash.world import World
from tests.thorough import share_of


@dataclass(frozen=True)
class Verdict:
    """What came of it: the effects that were counted, and every violation."""

    flow: str
    seed: int
    faults: tuple[Fault, ...]
    effects: tuple[str, ...]
    violations: tuple[str, ...]

    @property
    def replay(self) -> str:
        """The command that does it again."""
        faults = ",".join(map(str, self.faults)) or "none"
        return f"make crash FLOW={self.flow} SEED={self.seed} FAULTS={faults}"

    def __str__(self) -> str:
        names = " ".join(
            f"[{self.effects[f.number - 1]}]" for f in self.faults if f.number <= len(self.effects)
        )
        return f"{self.replay}  # {names} {'; '.join(self.violations)}"


def tried(
    world: World, flow: Flow, faults: tuple[Fault, ...] = (), *, seed: int = 1, planted: Planted | None = None
) -> Verdict:
    """Run it."""
    run = Run(world, counted=flow.counted, faults=faults, seed=seed, planted=planted)
    try:
        flow.begin(run, Shop(run))
        run.until_quiet()
    except MisplacedError as misplaced:
        run.violations.append(str(misplaced))
    violations = run.check()
    return Verdict(flow.name, seed, faults, tuple(run.effects.names), tuple(violations))


def following(verdict: Verdict) -> Iterator[tuple[Fault, ...]]:
    """Every choice that has one fault more, behind the last one of this verdict."""
    last = verdict.faults[-1].number if verdict.faults else 0
    for number, name in enumerate(verdict.effects, start=1):
        if number > last:
            for mode in modes_of(name):
                yield (*verdict.faults, Fault(number, mode))


def singles(
    world: World, flow: Flow, *, seed: int = 1, planted: Planted | None = None, one_in: int = 1
) -> Iterator[Verdict]:
    """The flow without a fault, then with each one that it can have, or in a run that is not thorough a share of them."""
    sound = tried(world, flow, seed=seed, planted=planted)
    yield sound
    for faults in share_of(following(sound), flow.name, one_in=one_in):
        yield tried(world, flow, faults, seed=seed, planted=planted)
