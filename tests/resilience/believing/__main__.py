"""`python -m tests.resilience.believing`: worlds drawn from a seed until enough steps are taken, in two processes; or one world again."""

import argparse
import os
import secrets
import sys
from collections import Counter

from tests.resilience.believing import story
from tests.resilience.believing.campaign import Tally, campaign
from tests.resilience.believing.habits import steps_of
from tests.resilience.believing.world import Ground


def said(tally: Tally) -> str:
    """The counts: rules, answers, what happened on the line, limits."""
    groups: dict[str, Counter[str]] = {"rules": tally.rules}
    for what, count in tally.answers.items():
        kind = what.partition(" ")[0]
        name = {"wechat": "on the line to WeChat Pay", "fault": "faults at single effects"}.get(
            kind, "answers"
        )
        groups.setdefault(name, Counter())[what.removeprefix("wechat ").removeprefix("fault ")] += count
    lines = []
    for name, counts in groups.items():
        lines.append(f"{name}:")
        lines += [f"  {count:>10,}  {what}" for what, count in sorted(counts.items())]
    lines.append("counted apart, as documented:")
    lines += [f"  {count:>10,}  {what}" for what, count in sorted(tally.limits.items())] or ["           0"]
    return "\n".join(lines)


def main() -> int:
    """The number of worlds with violations, at most 100."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=2_000_000)
    options.add_argument("--seconds", type=float, default=float("inf"))
    options.add_argument("--seed", help="a whole campaign's, or with its number (7-123) that of one world")
    options.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    given = options.parse_args()
    seed = given.seed or secrets.token_hex(4)
    if "-" in seed:
        return replayed(seed)
    print(f"seed {seed}", flush=True)
    tally = campaign(seed, steps=given.steps, seconds=given.seconds, processes=given.processes)
    print(said(tally))
    kinds = Counter(kind for _, kind, _ in tally.failed)
    print(
        f"seed {seed}: {tally.worlds:,} worlds, {tally.steps:,} steps, {len(tally.failed)} violations {dict(kinds) or ''}"
    )
    return min(len(tally.failed), 100)


def replayed(seed: str) -> int:
    """One world again, its steps made as few as they go; the whole story of it."""
    with Ground() as ground:
        steps = steps_of(seed)
        world, kind = story.found(ground, steps)
        if kind is not None:
            steps = story.shortened(ground, steps, kind)
            world, kind = story.found(ground, steps)
        print(story.told(world, steps))
    return int(kind is not None)


if __name__ == "__main__":
    sys.exit(main())
