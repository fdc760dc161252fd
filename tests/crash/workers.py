"""Two processes that share the flows: each has a world of its own, and a core."""

import gc
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Self

from tests.crash.flows import BY_NAME
from tests.crash.trial import Verdict, singles
from tests.crash.world import World

PROCESSES = 2
_here: list[World] = []


def _start() -> None:
    gc.set_threshold(100_000, 50, 100)  # the stream's memory only grows, and looking through it takes a tenth
    _here.append(World().__enter__())  # it ends with the process


def _verdicts(flow: str) -> list[Verdict]:
    return list(singles(_here[0], BY_NAME[flow]))


class Workers:
    """A context manager that begins with the flows at once, those with the longest recovery first."""

    def __init__(self, flows: Iterable[str]) -> None:
        self._pool = ProcessPoolExecutor(
            PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_start
        )
        longest_first = sorted(flows, key=lambda flow: not flow.startswith("settle"))
        self._verdicts: dict[str, Future[list[Verdict]]] = {
            flow: self._pool.submit(_verdicts, flow) for flow in longest_first
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def verdicts(self, flow: str) -> list[Verdict]:
        """Of every single fault of one flow, once they are there."""
        return self._verdicts[flow].result()
