"""What one run may hand out, and whose turn it is."""

import pytest

from payments.core.backlog import (
    LEASE_SECONDS,
    LOOKS_A_SECOND,
    SENDS_A_SECOND,
    WORK_AHEAD_SECONDS,
    room,
    turns,
)
from payments.core.pacing import MAX_SENDS_AT_ONCE


@pytest.mark.parametrize(("waiting", "free"), [(0, 1080), (1000, 80), (1080, 0), (5000, 0)])
def test_a_queue_is_filled_up_to_what_will_be_looked_at(waiting: int, free: int) -> None:
    assert room(at_once=4, a_second=LOOKS_A_SECOND, waiting=waiting) == free


@pytest.mark.parametrize(
    ("at_once", "a_second"), [(2, LOOKS_A_SECOND), (100, LOOKS_A_SECOND), (MAX_SENDS_AT_ONCE, SENDS_A_SECOND)]
)
def test_what_is_handed_out_is_looked_at_within_its_lease_even_at_half_the_pace(
    at_once: int, a_second: int
) -> None:
    handed_out = room(at_once=at_once, a_second=a_second, waiting=0)
    assert handed_out * 2 <= at_once * a_second * LEASE_SECONDS
    assert handed_out >= at_once * a_second * 60  # and nobody stands idle until the next run
    assert WORK_AHEAD_SECONDS < LEASE_SECONDS


@pytest.mark.parametrize(
    ("most", "due", "taken"),
    [
        (10, (100, 100), (5, 5)),
        (10, (100, 2), (8, 2)),
        (10, (2, 100), (2, 8)),
        (10, (0, 100), (0, 10)),
        (10, (3, 3), (3, 3)),
        (11, (100, 100), (6, 5)),
        (2, (100, 100), (1, 1)),
        (0, (100, 100), (0, 0)),
        (7, (100,), (7,)),
    ],
)
def test_each_class_is_sure_of_its_share_and_takes_what_another_leaves(
    most: int, due: tuple[int, ...], taken: tuple[int, ...]
) -> None:
    classes = [list(range(count)) for count in due]
    chosen = turns(most, classes)
    assert tuple(map(len, chosen)) == taken
    assert all(list(first) == each[: len(first)] for first, each in zip(chosen, classes, strict=True))
