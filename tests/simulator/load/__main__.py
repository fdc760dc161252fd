"""`make bench-simulator`: start-up, orders and queries a second, memory over 100,000 orders, each with its goal; ends with 1 where one is missed.

Requests are signed before the time is taken, by a process of its own, which then sends them over 16 kept connections.
"""

import argparse
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulator.load.figures import Figure, told
from tests.simulator.load.generator import BATCH, Load, batches
from tests.simulator.load.served import Served, median
from tests.simulator.load.signed import Orders, Payments, Queries
from wechatpay_simulator import Credentials

KEEP_ORDERS = 2000
STARTS = 5


def main(words: Sequence[str] | None = None) -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.load", description=__doc__)
    parser.add_argument(
        "--requests", type=int, default=10_000, help="orders, and queries, whose rate is measured"
    )
    parser.add_argument("--orders", type=int, default=100_000, help="over which the memory is watched")
    wanted = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        credentials = Path(folder) / "credentials.json"
        Credentials.load_or_create(credentials)
        figures = [started(credentials)]
        with Load(credentials) as load:
            figures += rates(credentials, load, wanted.requests)
            figures += memory(credentials, load, wanted.orders)
    return told(figures)


def new_numbers(many: int) -> list[str]:
    """Of orders that nobody has."""
    return [f"LOAD{secrets.token_hex(10)}" for _ in range(many)]


def started(credentials: Path) -> Figure:
    """From the start of the process to its first answer; the keys are there."""
    starts = []
    for _ in range(STARTS):
        with Served(credentials) as served:
            starts.append(served.seconds)
    return Figure("start-up", median(starts), "s", at_most=0.5)


def rates(credentials: Path, load: Load, many: int) -> Iterator[Figure]:
    """Orders, then queries of them, a second; and what one of them takes of the simulator's processor."""
    with Served(credentials) as idle:
        pass
    numbers = new_numbers(many)
    with Served(credentials) as served:
        ordered = load.send(served.url, Orders(numbers))
    yield Figure("orders", many / ordered, "/s", at_least=300)
    an_order = (served.processor_seconds - idle.processor_seconds) / many
    yield Figure("processor time of an order", an_order * 1000, "ms")
    with Served(credentials) as served:
        kept = numbers[:BATCH]
        load.send(served.url, Orders(kept))
        asked = [kept[place % len(kept)] for place in range(many)]
        queried = load.send(served.url, Queries(asked))
    yield Figure("queries", many / queried, "/s", at_least=1000)
    of_queries = served.processor_seconds - idle.processor_seconds - len(kept) * an_order
    yield Figure("processor time of a query", of_queries / many * 1000, "ms")


def memory(credentials: Path, load: Load, many: int) -> Iterator[Figure]:
    """What is resident after a fifth of the orders, and after all. One in ten is paid, and nobody takes its notification."""
    with Served(credentials, f"--keep-orders={KEEP_ORDERS}") as served:
        resident = []
        for part in (many // 5, many - many // 5):
            for batch in batches(new_numbers(part)):
                load.send(served.url, Orders(batch))
                load.send(served.url, Payments(batch[::10]))
            resident.append(served.resident())
    yield Figure(f"memory after {many // 5:,} orders", resident[0], "MB")
    yield Figure(f"memory after {many:,} orders", resident[1], "MB", at_most=round(resident[0] * 1.1, 1))


if __name__ == "__main__":
    sys.exit(main())
