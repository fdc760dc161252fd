"""`python -m tests.believing`: worlds drawn from a seed until enough steps are taken, in two processes; or one world again."""

import argparse
import contextlib
import multiprocessing
import os
import queue
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.believing import story
from tests.believing.rules import steps_of
from tests.believing.world import Ground

SAY_EVERY = 30  # seconds
TOLD = 5  # violations whose stories are made short and told; all are counted
BATCH = 10  # worlds after which a process tells what they came to


@dataclass
class Tally:
    """What some worlds came to."""

    worlds: int = 0
    steps: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str, str]] = field(default_factory=list)  # seed, kind, sentence

    def add(self, other: "Tally") -> None:
        """These worlds, too."""
        self.worlds += other.worlds
        self.steps += other.steps
        self.rules += other.rules
        self.answers += other.answers
        self.limits += other.limits
        self.failed += other.failed


def tried(ground: Ground, seed: str, tally: Tally) -> None:
    """One world."""
    steps = steps_of(seed)
    world, kind = story.found(ground, steps)
    tally.worlds += 1
    tally.steps += len(steps) + world.invocations
    tally.rules.update(name for name, _ in steps)
    tally.answers += world.counts
    tally.limits += world.oracle.limits
    if kind is not None:
        tally.failed.append((seed, *world.violations[0]))


def worker(seed: str, first: int, every: int, done: Any, results: Any) -> None:
    """A process's share of a campaign: worlds `first`, `first + every` …, until `done` is set."""
    with Ground() as ground:
        number = first
        while not done.is_set():
            tally = Tally()
            for _ in range(BATCH):
                tried(ground, f"{seed}-{number}", tally)
                number += every
                if done.is_set():
                    break
            results.put(tally)


def campaign(seed: str, *, steps: int, seconds: float, processes: int) -> Tally:
    """Worlds of a seed until so many steps or seconds; says how far it is."""
    context = multiprocessing.get_context("spawn")
    done, results = context.Event(), context.Queue()
    workers = [
        context.Process(target=worker, args=(seed, first, processes, done, results), daemon=True)
        for first in range(processes)
    ]
    for each in workers:
        each.start()
    began = told = time.monotonic()
    tally = Tally()
    while (
        tally.steps < steps
        and time.monotonic() - began < seconds
        and any(each.is_alive() for each in workers)
    ):
        with contextlib.suppress(queue.Empty):
            tally.add(results.get(timeout=1))
        if time.monotonic() - told > SAY_EVERY:
            told = time.monotonic()
            rate = tally.steps / (told - began)
            print(f"{tally.steps:,} steps, {rate:,.0f} a second, {len(tally.failed)} violations", flush=True)
    done.set()
    while any(each.is_alive() for each in workers) or not results.empty():
        with contextlib.suppress(queue.Empty):
            tally.add(results.get(timeout=0.2))
    return tally


def said(tally: Tally) -> str:
    """The counts: rules, answers, what happened on the line, limits."""
    groups: dict[str, Counter[str]] = {"rules": tally.rules}
    for what, count in tally.answers.items():
        name = "on the line to WeChat Pay" if what.startswith("wechat ") else "answers"
        groups.setdefault(name, Counter())[what.removeprefix("wechat ")] += count
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
    told = Counter[str]()
    for world, kind, sentence in tally.failed:
        told[kind] += 1
        if told[kind] <= TOLD:
            print(f"VIOLATED {kind}: {sentence}\n  make model SEED={world}")
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
