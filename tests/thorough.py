"""How much of what is exhaustive a run proves: all of it with THOROUGH=1, as `make check` does, else a share drawn anew.

The share of one run is drawn from a seed, which its last line names: SHARE=<seed> draws the same again.
"""

import os
import random
import secrets
from collections.abc import Iterable, Sequence
from typing import TypeVar

Case = TypeVar("Case")

THOROUGH = os.environ.get("THOROUGH") == "1"
SHARE = os.environ.setdefault("SHARE", secrets.token_hex(4))  # processes that share the work inherit it
TABLES = os.environ.get("TABLES", "moto" if THOROUGH else "memory")
"""What lies behind pynamodb where a test does not care: `moto` over HTTP, or `memory` (tests/kit), ten times as fast."""


def share_of(cases: Iterable[Case], of: str, *, least: int, one_in: int) -> Sequence[Case]:
    """All cases if thorough, else one in so many, `least` of them at the least, in their order.

    `of` says whose they are: so that two lists of one length have not the same share.
    """
    every = list(cases)
    many = min(len(every), max(least, len(every) // one_in))
    if THOROUGH or many == len(every):
        return every
    drawn = random.Random(f"{SHARE} {of}").sample(range(len(every)), many)
    return [every[place] for place in sorted(drawn)]


def told() -> str:
    """The last line of a run: what it has proven, and how to repeat it."""
    if THOROUGH:
        return "thorough: everything was tried, tables were moto's"
    return f"not thorough: of what is exhaustive a share, SHARE={SHARE} repeats it, THOROUGH=1 tries all"
