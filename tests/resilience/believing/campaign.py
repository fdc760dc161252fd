"""Worlds drawn from one seed, in several processes, until enough steps are taken; violations are told at once."""

import contextlib
import multiprocessing
import queue
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.resilience.believing import story
from tests.resilience.believing.habits import steps_of
from tests.resilience.believing.world import Ground

SAY_EVERY = 30  # seconds
TOLD = 5  # violations of one kind that are told; all are counted
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
            some = results.get(timeout=1)
            _tell(some, tally)
            tally.add(some)
        if time.monotonic() - told > SAY_EVERY:
            told = time.monotonic()
            rate = tally.steps / (told - began)
            print(f"{tally.steps:,} steps, {rate:,.0f} a second, {len(tally.failed)} violations", flush=True)
    done.set()
    while any(each.is_alive() for each in workers) or not results.empty():
        with contextlib.suppress(queue.Empty):
            some = results.get(timeout=0.2)
            _tell(some, tally)
            tally.add(some)
    return tally


def _tell(some: Tally, before: Tally) -> None:
    """The violations of some worlds, where there were not enough of their kind before."""
    kinds = Counter(kind for _, kind, _ in before.failed)
    for world, kind, sentence in some.failed:
        kinds[kind] += 1
        if kinds[kind] <= TOLD:
            print(f"VIOLATED {kind}: {sentence}\n  make model SEED={world}", flush=True)
