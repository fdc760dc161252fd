"""Two processes that share the windows: each has tables, keys and an environment of its own."""

import gc
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Self, TypeVar

from tests.kit.dynamodb import MemoryDynamoDB
from tests.resilience.soak.environment import environment, parameters
from tests.resilience.soak.functions import Planted
from tests.resilience.soak.ledgers import differences
from tests.resilience.soak.people import People
from tests.resilience.soak.results import Figures, Result
from tests.resilience.soak.window import Window
from tests.resilience.soak.wishes import Mood
from wechatpay_simulator import Credentials

T = TypeVar("T")

PROCESSES = 2


class Place:
    """What a process keeps from window to window."""

    def __init__(self) -> None:
        gc.set_threshold(100_000, 50, 100)
        self.credentials = Credentials.create()
        self.environment = environment(parameters(self.credentials))
        self.db = MemoryDynamoDB.from_template()

    def window(
        self, seed: int, number: int, *, orders: int, mood: Mood | None = None, planted: Planted | None = None
    ) -> Result:
        """One window, from its first order to its ledgers."""
        began, before = time.monotonic(), self.db.operations
        with (
            self.db,
            Window(
                f"{seed}.{number}",
                db=self.db,
                credentials=self.credentials,
                environment=self.environment,
                planted=planted,
                quiet=mood is not None and mood.quiet,
            ) as window,
        ):
            people = People(window, orders=orders, mood=mood)
            people.begin()
            window.until_quiet(orders)
            if not window.violations and people.the_rest():
                window.until_quiet(orders)
            window.end()
            found = differences(window, people)
            figures = Figures.of(window, people, operations=self.db.operations - before)
        found += [] if found else figures.differing()
        gc.collect()  # what a window left behind in circles is not what a process keeps
        return Result(number, time.monotonic() - began, figures, tuple(found), os.getpid(), _memory())


def _memory() -> int:
    """The most bytes that this process has had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


_here: list[Place] = []


def _start() -> None:
    _here.append(Place())


def _given(work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    return work(_here[0], *arguments)


def one_window(place: Place, seed: int, number: int, orders: int) -> Result:
    """One window of ordinary people."""
    return place.window(seed, number, orders=orders)


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

    def given(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """`work` in one of the processes, with its place before the arguments."""
        return self._pool.submit(_given, work, arguments)
