"""Callers who believe every word of ours, for twenty seconds: worlds of fixed seeds and of a new one, and hypothesis' own.

`make model` is the long form; a failure names the seed that repeats it.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.resilience.believing import story
from tests.resilience.believing.campaign import Tally, tried
from tests.resilience.believing.habits import RULES, Rule
from tests.resilience.believing.rules import Rules
from tests.resilience.believing.world import Ground, World

SECONDS = 6  # for each of the first two


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with Ground() as made:
        yield made


def worlds(ground: Ground, seed: str) -> Tally:
    tally, end = Tally(), time.monotonic() + SECONDS
    while time.monotonic() < end:
        tried(ground, f"{seed}-{tally.worlds}", tally)
    return tally


def failures(tally: Tally) -> list[str]:
    return [f"{kind}: {sentence} (make model SEED={seed})" for seed, kind, sentence in tally.failed]


def test_whoever_believes_our_answers_is_never_harmed(ground: Ground) -> None:
    tally = worlds(ground, "1")
    assert failures(tally) == []
    told = {answer.partition(" unheard")[0] for answer in tally.answers}
    assert {
        "refund: 200",
        "refund: 503 SYSTEMERROR",
        "native: 200",
        "close: 200",
        "close: 409 ORDERPAID",
    } <= {answer.strip() for answer in told}


def test_nor_is_it_so_in_worlds_that_nobody_has_seen_yet(ground: Ground) -> None:
    assert failures(worlds(ground, secrets.token_hex(4))) == []


class Believing(RuleBasedStateMachine):
    """The same rules, chosen by hypothesis; `ground` is set by the test."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.ground)
        self.rules_taken = Rules(self.world)
        self.steps: list[tuple[str, tuple[int, ...]]] = []

    def teardown(self) -> None:
        if not self.world.violations:
            self.world.cease()
            self.world.until_quiet()
        if self.world.violations:
            steps = story.shortened(self.ground, self.steps, self.world.violations[0][0])
            pytest.fail(story.told(story.found(self.ground, steps)[0], steps))


def _taken(name: str, each: Rule) -> Callable[..., None]:
    def take(self: Believing, **given: Any) -> None:
        numbers = tuple(given.values())
        self.steps.append((name, numbers))
        if not self.world.violations:
            getattr(self.rules_taken, name)(*numbers)

    take.__name__ = name
    arguments = {f"n{place}": st.integers(0, most) for place, most in enumerate(each.most)}
    return rule(**arguments)(take)  # type: ignore[call-overload]


for _name, _rule in RULES.items():
    setattr(Believing, _name, _taken(_name, _rule))


def test_nor_by_any_short_sequence_that_hypothesis_tries(ground: Ground) -> None:
    Believing.ground = ground
    run_state_machine_as_test(
        Believing,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a failure is made short below, in a fraction of the time
            suppress_health_check=list(HealthCheck),
        ),
    )
