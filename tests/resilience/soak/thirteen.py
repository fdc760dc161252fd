"""Thirteen mistakes planted one at a time: five that the crash harness must catch, and the eight of this folder."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import redirect_stdout
from dataclasses import dataclass

from tests.resilience.crash import seeded
from tests.resilience.crash.flows import BY_NAME
from tests.resilience.crash.trial import singles
from tests.resilience.crash.world import World
from tests.resilience.soak.mistakes import MISTAKES, Mistake
from tests.resilience.soak.workers import Place, Workers

WINDOWS = 6  # in one of which a mistake must show
ALL = len(seeded.MISTAKES) + len(MISTAKES)


@dataclass(frozen=True)
class Catch:
    """How a mistake was caught; `by` is empty where it was not, `wrongly` names what is found without it."""

    name: str
    by: str
    difference: str
    seconds: float
    wrongly: str = ""

    @property
    def is_caught(self) -> bool:
        """By what it should be, and by nothing that is found anyway."""
        return bool(self.by) and not self.wrongly

    def __str__(self) -> str:
        if self.wrongly:
            return f"{self.name}: found without it as well: {self.wrongly}"
        how = f"caught by {self.by}: {self.difference}" if self.by else "NOT CAUGHT"
        return f"{self.name}: {how} ({self.seconds:.0f} s)"


def by_crashes(_place: Place) -> list[Catch]:
    """The crash harness's own five, each in the flow in which it shows."""
    with redirect_stdout(io.StringIO()), World() as world:
        return [_by_crashes(world, mistake) for mistake in seeded.MISTAKES]


def _by_crashes(world: World, mistake: seeded.Mistake) -> Catch:
    began = time.monotonic()
    with mistake.around():
        for verdict in singles(world, BY_NAME[mistake.flow], planted=mistake.planted):
            for difference in verdict.violations:
                if difference.startswith(mistake.caught_by):
                    return Catch(mistake.name, verdict.replay, difference[:200], time.monotonic() - began)
    return Catch(mistake.name, "", "", time.monotonic() - began)


def by_soak(place: Place, name: str, seed: int, both: bool) -> list[Catch]:
    """One of the eight: in windows with it, and, where `both` is asked for, in one without it, which must be sound."""
    (mistake,) = (each for each in MISTAKES if each.name == name)
    began, wrongly = time.monotonic(), ""
    if both:
        sound = place.window(seed, 1, orders=mistake.orders, mood=mistake.mood)
        wrongly = "; ".join(sound.differences)
    number, difference = _shown(place, mistake, seed)
    seconds = time.monotonic() - began
    return [
        Catch(name, f"window {number} of its own" if difference else "", difference[:200], seconds, wrongly)
    ]


def _shown(place: Place, mistake: Mistake, seed: int) -> tuple[int, str]:
    for number in range(1, WINDOWS + 1):
        with mistake.around():
            result = place.window(
                seed, number, orders=mistake.orders, mood=mistake.mood, planted=mistake.planted
            )
        for difference in result.differences:
            if difference.startswith(mistake.caught_by):
                return number, difference
    return 0, ""


def catches(workers: Workers, *, seed: int, both: bool) -> Iterator[Catch]:
    """All thirteen, as they come."""
    under_way = [workers.given(by_crashes)]
    under_way += [workers.given(by_soak, mistake.name, seed, both) for mistake in MISTAKES]
    for future in as_completed(under_way):
        yield from future.result()
