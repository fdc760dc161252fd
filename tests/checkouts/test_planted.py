"""The schedules see what they are there for: each of these mistakes shows in some of them."""

from collections.abc import Callable
from typing import Any

import pytest

from payments.core.errors import TryAgainError
from payments.use_cases.checkouts import attempting, crediting, ending
from tests.checkouts.counter import counter_tables
from tests.checkouts.test_schedules import scheduled
from tests.kit.dynamodb import MemoryDynamoDB

SEEDS = 200
__all__ = ["counter_tables"]


def opens_without_proof(patch: pytest.MonkeyPatch) -> None:
    """An order whose close is not certain counts as closed."""
    close = ending.close_attempt

    def hasty(*given: Any) -> Any:
        try:
            return close(*given)
        except TryAgainError:
            return None

    patch.setattr(attempting, "close_attempt", hasty)


def takes_no_number(patch: pytest.MonkeyPatch) -> None:
    """Where no order is there yet, none is thought to come."""
    close = ending.close_attempt

    def careless(checkout: Any, hold: Any, payment: Any, *rest: Any) -> Any:
        return payment if payment is None else close(checkout, hold, payment, *rest)

    patch.setattr(attempting, "close_attempt", careless)


def leaves_the_other_open(patch: pytest.MonkeyPatch) -> None:
    """Money of an order that was left ends nothing."""
    patch.setattr(crediting, "_close_current", lambda *_: None)


MISTAKES: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    opens_without_proof,
    takes_no_number,
    leaves_the_other_open,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_shows(
    counter_tables: MemoryDynamoDB, monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., None]
) -> None:
    mistake(monkeypatch)
    assert any(scheduled(counter_tables, seed)[0] for seed in range(SEEDS))
