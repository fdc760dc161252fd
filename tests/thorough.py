"""How much of what is exhaustive a run proves: all of it with THOROUGH=1, as `make check` does, else a share drawn anew.

    @pytest.mark.share(4)             # of a test's cases one in four, three at the least; conftest.py drops the others
    pytestmark = pytest.mark.share(2, of_file=True)   # of all tests of a file
    pytestmark = pytest.mark.in_turn                  # of files that each start a world of their own, one in six; of DRAW one in three
    range(many(1000, instead=100))    # of what a test does

Of a test of more than eight cases that is not marked one in four is drawn, but for those of texts and templates.

The share is drawn from a seed, which the run's last line names: SHARE=<seed> draws the same again. A test that is asked
for by its name (`file::test`, `-k`) is tried whole.
"""

import os
import random
import secrets
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")

THOROUGH = os.environ.get("THOROUGH") == "1"
SHARE = os.environ.setdefault("SHARE", secrets.token_hex(4))  # processes that share the work inherit it
TABLES = os.environ.get("TABLES", "moto" if THOROUGH else "memory")
"""What lies behind pynamodb where a test does not care: `moto` over HTTP, or `memory` (tests/kit), ten times as fast."""
DRAW = frozenset(os.environ.get("DRAW", "").split())
"""Folders of which a share is drawn in a thorough run, too: `make check` names those that hold no money, `DRAW=` none."""
MIN_CASES = 3


def many(thorough: int, *, instead: int) -> int:
    """How often something is tried."""
    return thorough if THOROUGH else instead


ROUNDS = int(os.environ.get("ROUNDS") or many(6, instead=2))
"""Of each storm; `make storms` sets 300."""


def share_of(cases: Iterable[Case], of: str, *, one_in: int) -> list[Case]:
    """All cases if thorough; else one in so many, three at the least, in their order.

    `of` says whose they are, for two lists of one length shall not have the same share.
    """
    return list(cases) if THOROUGH else drawn(cases, of, one_in=one_in)


def drawn(cases: Iterable[Case], of: str, *, one_in: int) -> list[Case]:
    """One case in so many, as `share_of`, of a run that may be thorough."""
    every = list(cases)
    wanted = max(MIN_CASES, len(every) // one_in)
    if wanted >= len(every):
        return every
    places = random.Random(f"{SHARE} {of}").sample(range(len(every)), wanted)
    return [every[place] for place in sorted(places)]


def told() -> str:
    """The last line of a run: what it has proven, and how to repeat it."""
    if THOROUGH:
        but = f"of {', '.join(sorted(DRAW))} a share (SHARE={SHARE}), of all else " if DRAW else ""
        return f"thorough: {but}everything was tried, and tables were those of {TABLES}"
    return f"of what is exhaustive a share: SHARE={SHARE} draws the same again, THOROUGH=1 takes all"
