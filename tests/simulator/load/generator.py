"""The load, from a process of its own: signs a batch, then sends it, and tells how long the answers took."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Self

from tests.simulator.load.driving import driven
from tests.simulator.load.signed import Merchant, Orders, Payments, Queries

BATCH = 2000  # requests that are signed at a time: signatures are good for five minutes


class Load:
    """What one merchant sends, as long as the block lasts."""

    def __init__(self, credentials: Path) -> None:
        self._credentials = credentials
        self._process = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def send(self, url: str, wanted: Orders | Queries | Payments) -> float:
        """Send these, a batch after the other; the seconds that the answers took, without the signing."""
        kind = type(wanted)
        return sum(
            self._process.submit(_sent, url, self._credentials, kind(batch)).result()
            for batch in batches(wanted.numbers)
        )


def batches(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    """The numbers, so many at a time."""
    for begin in range(0, len(numbers), BATCH):
        yield numbers[begin : begin + BATCH]


def _sent(url: str, credentials: Path, wanted: Orders | Queries | Payments) -> float:
    return driven(url, Merchant(credentials).signed(wanted))
