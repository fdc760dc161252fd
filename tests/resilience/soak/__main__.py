"""`python -m tests.resilience.soak`: 100,000 orders and 30,000 refunds with faults at 20 %, every ledger compared; thirteen mistakes caught."""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait

from tests.resilience.soak.results import Figures, Result
from tests.resilience.soak.thirteen import ALL, catches
from tests.resilience.soak.workers import PROCESSES, Place, Workers, one_window

ORDERS, FEW = 250, 100  # of one window, and in the short form
WINDOWS, SHORT = 400, 20
SHORT_SECONDS = 40  # after which the short form begins no window any more
SAY_EVERY = 20  # seconds
GROWTH = 200  # megabytes that a process may grow after its third window
SETTLED = 3  # windows after which a process has all that it will keep


class Soak:
    """Gives out windows and adds up what comes of them."""

    def __init__(self, *, seed: int, windows: int, orders: int, seconds: float) -> None:
        self._seed = seed
        self._orders = orders
        self._windows = windows
        self._until = time.monotonic() + seconds
        self._began = self._said = time.monotonic()
        self.figures = Figures()
        self.failed: list[Result] = []
        self._memory: dict[int, list[int]] = {}
        self._done = 0

    def run(self, workers: Workers) -> None:
        """All windows, or as many as there is time for; the first that differs is the last that is begun."""
        under_way: set[Future[Result]] = set()
        numbers = iter(range(1, self._windows + 1))
        while True:
            while len(under_way) < PROCESSES and not self.failed and time.monotonic() < self._until:
                if (number := next(numbers, None)) is None:
                    break
                under_way.add(workers.given(one_window, self._seed, number, self._orders))
            if not under_way:
                return
            done, under_way = wait(under_way, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                self._took(future.result())
            self._say()

    def _took(self, result: Result) -> None:
        self._done += 1
        self.figures.add(result.figures)
        self._memory.setdefault(result.process, []).append(result.memory)
        if result.differences:
            self.failed.append(result)
            print_differences(result, seed=self._seed, short=self._orders == FEW)

    def _say(self) -> None:
        if time.monotonic() - self._said < SAY_EVERY:
            return
        self._said = time.monotonic()
        took = self._said - self._began
        left = (self._windows - self._done) * took / self._done if self._done else float("inf")
        left = min(left, max(self._until - self._said, 0))
        shown = f"about {left / 60:.1f} min left" if left < float("inf") else "time left unknown yet"
        print(
            f"{self.figures.orders:,} orders, {self.figures.refunds:,} refunds, {self.figures.orders / took:.1f} orders a"
            f" second, {shown}, {len(self.failed)} windows that differ",
            flush=True,
        )

    @property
    def growth(self) -> float:
        """Megabytes by which the process that grew most has grown, since it had settled."""
        grown = [marks[-1] - marks[SETTLED - 1] for marks in self._memory.values() if len(marks) >= SETTLED]
        return max(grown, default=0) / 2**20

    def report(self) -> None:
        """The figures."""
        seconds, figures = time.monotonic() - self._began, self.figures
        print(f"calls: {_listed(figures.outcomes)}")
        print(f"faults: {_listed(figures.faults)}")
        print(f"notifications: {_listed(figures.notified)}")
        if figures.limits:
            print(f"nobody's promise: {_listed(figures.limits)}")
        print(f"ledgers (fen): {_listed(figures.ledgers)}")
        slow = {name: f"{seconds * 1000:.0f} ms" for name, seconds in sorted(figures.slowest.items())}
        print(f"slowest invocation: {', '.join(f'{name} {time}' for name, time in slow.items())}")
        print(
            f"{figures.orders:,} orders, {figures.refunds:,} refunds, {figures.invocations:,} invocations of which"
            f" {figures.deaths:,} died, {figures.faults.total():,} faults, {figures.operations:,} operations on tables,"
            f" {figures.virtual_hours:,.0f} virtual hours, {seconds:.0f} s, {figures.orders / seconds:.1f} orders a second,"
            f" memory {self.growth:+.0f} MB, worst notify {slow.get('notify', '-')};"
            f" {'all ledgers equal' if not self.failed else 'LEDGERS DIFFER'}"
        )

    @property
    def code(self) -> int:
        """0 when all is well."""
        if self.growth > GROWTH:
            print(f"a process has grown by {self.growth:.0f} MB, more than {GROWTH}")
        return 1 if self.failed or self.growth > GROWTH or not self.figures.orders else 0


def print_differences(result: Result, *, seed: int, short: bool) -> None:
    """Each difference, and the command that finds it again."""
    form = " SHORT=1" if short else ""
    print(f"make soak SEED={seed} WINDOW={result.number}{form}  # {len(result.differences)} differences:")
    for difference in result.differences[:20]:
        print(f"  {difference[:1500]}")


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counter.items()))


def main() -> int:
    """0 when all ledgers are equal."""
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.soak", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--window", type=int, help="just this one, as a failure names it")
    asked = parser.parse_args()
    orders = FEW if asked.short else ORDERS
    if asked.window is not None:
        result = Place().window(asked.seed, asked.window, orders=orders)
        print_differences(result, seed=asked.seed, short=asked.short)
        return 1 if result.differences else 0
    windows, seconds = (SHORT, SHORT_SECONDS) if asked.short else (WINDOWS, float("inf"))
    with Workers() as workers:
        soak = Soak(seed=asked.seed, windows=windows, orders=orders, seconds=seconds)
        soak.run(workers)
        soak.report()
        return soak.code or planted(workers, seed=asked.seed, both=not asked.short)


def planted(workers: Workers, *, seed: int, both: bool) -> int:
    """0 when each of the thirteen mistakes is caught; `both`: and nothing is found where there is none."""
    began, caught = time.monotonic(), 0
    for catch in catches(workers, seed=seed, both=both):
        caught += catch.is_caught
        print(f"  {catch}", flush=True)
    print(f"{caught} of {ALL} planted mistakes caught, {time.monotonic() - began:.0f} s")
    return 0 if caught == ALL else 1


if __name__ == "__main__":
    sys.exit(main())
