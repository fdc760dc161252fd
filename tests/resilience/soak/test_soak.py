"""The soak in small: a window is sound, the same seed takes the same course, and what is planted is found."""

import pytest

from tests.resilience.soak import mistakes
from tests.resilience.soak.results import Result
from tests.resilience.soak.thirteen import WINDOWS
from tests.resilience.soak.wishes import Mood
from tests.resilience.soak.workers import Place

pytestmark = pytest.mark.in_turn

ORDERS = 40


@pytest.fixture(scope="module")
def place() -> Place:
    return Place()


@pytest.fixture(scope="module")
def sound(place: Place) -> Result:
    """One window of ordinary people."""
    return place.window(7, 1, orders=ORDERS)


def test_all_ledgers_of_a_window_are_equal(sound: Result) -> None:
    assert sound.differences == ()
    figures = sound.figures
    assert (figures.orders, figures.refunds) == (ORDERS, ORDERS * 0.3)
    assert figures.ledgers["paid here"] == figures.ledgers["paid at WeChat Pay"] > 0
    assert figures.ledgers["refunded here"] == figures.ledgers["refunded at WeChat Pay"] > 0
    assert figures.ledgers["events on the bus"] > ORDERS


def test_a_fifth_of_everything_goes_wrong(sound: Result) -> None:
    figures = sound.figures
    assert figures.deaths > 3
    wechat = sum(count for kind, count in figures.faults.items() if kind.startswith("wechat "))
    assert wechat > ORDERS / 2
    assert {kind.partition(" ")[0] for kind in figures.faults} >= {"read", "write", "question", "wechat"}
    assert sum(count for fate, count in figures.notified.items() if fate != "at once") > 2


def test_the_same_seed_takes_the_same_course(place: Place, sound: Result) -> None:
    again = place.window(7, 1, orders=ORDERS)
    assert again.figures.outcomes == sound.figures.outcomes
    assert again.figures.faults == sound.figures.faults
    assert again.figures.ledgers == sound.figures.ledgers


def test_a_planted_mistake_is_found(place: Place) -> None:
    mistake = next(each for each in mistakes.MISTAKES if each.name == "console_refund_lost")
    with mistake.around():
        found = (
            difference
            for number in range(1, WINDOWS + 1)
            for difference in place.window(1, number, orders=mistake.orders, mood=mistake.mood).differences
        )
        assert any(difference.startswith(mistake.caught_by) for difference in found)


def test_what_is_told_and_is_not_so_is_found(place: Place) -> None:
    """The ledgers themselves: without a mistake of the product, a shop that is told nonsense."""

    def planted(module: object, _wiring: object) -> None:
        if getattr(module, "__name__", "").startswith("soak_refund"):
            answer = module.answer  # type: ignore[attr-defined]

            def always_twice(request: object, wiring: object) -> object:
                told = answer(request, wiring)
                return told | {"outRefundNo": f"X{told['outRefundNo']}"}

            module.answer = always_twice  # type: ignore[attr-defined]

    result = place.window(3, 1, orders=10, mood=Mood(quiet=True, refunds=1.0), planted=planted)
    assert any("told 200, and WeChat Pay has no such refund" in each for each in result.differences)


@pytest.mark.parametrize("mistake", mistakes.MISTAKES, ids=lambda mistake: mistake.name)
def test_each_mistake_finds_what_it_is_planted_into(mistake: mistakes.Mistake) -> None:
    with mistake.around():
        pass
