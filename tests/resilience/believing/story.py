"""A run that failed: made as short as it goes, and told as a story."""

import time
from collections.abc import Callable

from tests.resilience.believing.rules import Step, run
from tests.resilience.believing.world import START, Ground, World

MOST_REPEATS = 3  # of one line in a story


def found(
    ground: Ground, steps: list[Step], passed_over: frozenset[str] = frozenset()
) -> tuple[World, str | None]:
    """A world after these steps, and the kind of its first violation."""
    world = World(ground, passed_over=passed_over)
    violations = run(world, steps)
    return world, violations[0][0] if violations else None


def shortened(
    ground: Ground,
    steps: list[Step],
    kind: str,
    passed_over: frozenset[str] = frozenset(),
    *,
    seconds: float = 30,
) -> list[Step]:
    """Fewer steps, and smaller numbers, that violate in the same kind; what was reached after some seconds is enough."""
    end = time.monotonic() + seconds

    def still(tried: list[Step]) -> bool:
        return time.monotonic() < end and found(ground, tried, passed_over)[1] == kind

    size = max(1, len(steps) // 2)
    while time.monotonic() < end:
        place, shorter = 0, False
        while place < len(steps):
            tried = steps[:place] + steps[place + size :]
            if tried and still(tried):
                steps, shorter = tried, True
            else:
                place += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return _smaller(steps, still)


def _smaller(steps: list[Step], still: Callable[[list[Step]], bool]) -> list[Step]:
    for place, (name, numbers) in enumerate(list(steps)):
        for at, number in enumerate(numbers):
            for less in (0, 1, number // 2):
                if less >= steps[place][1][at]:
                    continue
                changed = (*steps[place][1][:at], less, *steps[place][1][at + 1 :])
                tried = [*steps[:place], (name, changed), *steps[place + 1 :]]
                if still(tried):
                    steps = tried
                    break
    return steps


def told(world: World, steps: list[Step]) -> str:
    """The whole story; what is said over and over is said once."""
    lines = [f"  {name}{numbers}" for name, numbers in steps]
    seen: dict[str, int] = {}
    for moment, text in world.story:
        seen[text] = seen.get(text, 0) + 1
        if seen[text] <= MOST_REPEATS:
            lines.append(f"{moment - START:10.1f}  {text}")
        elif seen[text] == MOST_REPEATS + 1:
            lines.append(f"{moment - START:10.1f}  {text} … and so on")
    lines += [f"VIOLATED {kind}: {sentence}" for kind, sentence in world.violations]
    return "\n".join(lines)
