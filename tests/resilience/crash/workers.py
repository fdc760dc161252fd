"""Processes that share the runs: each has a world of its own, and a core."""

import gc
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Self

from tests.resilience.crash.effects import Fault
from tests.resilience.crash.flows import BY_NAME
from tests.resilience.crash.trial import Verdict, singles, tried
from tests.resilience.crash.world import World

PROCESSES = 2
BATCH = 8  # runs that a process is given at once: about two seconds
ONE_IN = 10  # single faults that a run of the tests tries, unless it is thorough
MAX_BATCHES_UNDER_WAY = 2 * PROCESSES  # batches given out, so that no process waits for its next

Choice = tuple[str, tuple[Fault, ...]]
"""A flow by its name, and the faults that one run of it has."""

_here: list[World] = []


def _start() -> None:
    gc.set_threshold(100_000, 50, 100)  # the stream's memory only grows, and looking through it takes a tenth
    _here.append(World().__enter__())  # it ends with the process


def _singles(flow: str) -> list[Verdict]:
    return list(singles(_here[0], BY_NAME[flow], one_in=ONE_IN))


def _tried(choices: list[Choice], seed: int) -> list[Verdict]:
    return [tried(_here[0], BY_NAME[flow], faults, seed=seed) for flow, faults in choices]


class Workers:
    """A context manager. Work begins once it is given, in the order in which it is given."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(
            PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_start
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def singles(self, flow: str) -> Future[list[Verdict]]:
        """The flow without a fault, then with each single one or a share of them, in one process."""
        return self._pool.submit(_singles, flow)

    def tried(
        self, choices: Iterable[Choice], *, seed: int, until: float = float("inf")
    ) -> Iterator[Verdict]:
        """The verdict of every choice, as they come; past `until` (monotonic seconds) none is begun any more."""
        left = iter(choices)
        under_way: set[Future[list[Verdict]]] = set()
        while True:
            while (
                len(under_way) < MAX_BATCHES_UNDER_WAY
                and time.monotonic() < until
                and (batch := list(islice(left, BATCH)))
            ):
                under_way.add(self._pool.submit(_tried, batch, seed))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
