"""Which rules a world draws, and with which numbers: each world has habits of its own, and a theme."""

import random
from dataclasses import dataclass

from tests.resilience.believing.callers import ORDERING
from tests.resilience.believing.functions import NAMES
from tests.resilience.believing.post import FATES
from tests.resilience.believing.rules import (
    AFTER,
    FAULT,
    FOR,
    HOSTS,
    HOURS,
    MOST_WAYS,
    OPERATIONS,
    OUTCOMES,
    WAITS,
    Step,
)

LENGTH = 40  # steps of a world
NEEDED = ("buy", "pay", "refund", "wait")
OFTEN, SELDOM = (1, 2), (0, 0, 1, 1, 2, 4)  # how much more often, each world by itself
MOST_PURCHASES = 5  # of a world: what meets each other breaks


@dataclass(frozen=True)
class Rule:
    """How often a rule is drawn, and up to which number each of its arguments goes."""

    weight: int
    most: tuple[int, ...]
    calm: tuple[int, ...] = ()
    """Places of arguments that are mostly 0: the latest order, no fault, an answer that is heard."""


RULES: dict[str, Rule] = {
    "buy": Rule(6, (len(ORDERING) - 1, 2, 1, 1, 1, 31, FAULT, 3), (3, 6)),
    "pay": Rule(9, (7,)),
    "close": Rule(6, (7, FAULT, 3), (0, 1)),
    "look": Rule(6, (7, 1, FAULT), (0, 2)),
    "refund": Rule(13, (3, 1, 3, 1, 1, 31, FAULT, 3), (0, 1, 2, 3, 6)),
    "repeat": Rule(8, (7, FAULT, 3), (0, 1)),
    "wait": Rule(20, (len(WAITS) - 1,)),
    "console": Rule(3, (3, 3), (0,)),
    "fate": Rule(5, (len(FATES) - 1,)),
    "bank": Rule(5, (len(OUTCOMES) - 1, len(AFTER) - 1)),
    "weather": Rule(9, (len(HOSTS) - 1, len(OPERATIONS) - 1, MOST_WAYS, len(FOR) - 1)),
    "away": Rule(2, (3,)),
    "disturb": Rule(9, (len(NAMES) - 1, FAULT)),
    "deafen": Rule(2, (3,)),
    "resend": Rule(2, (7,)),
    "hours": Rule(1, (len(HOURS) - 1,)),
    "differ": Rule(1, (7,)),
    "remember": Rule(1, ()),
    "restore": Rule(1, ()),
}


@dataclass(frozen=True)
class Theme:
    """What a world is mostly about: how much more often some rules are drawn, and where things go wrong."""

    more: dict[str, float]
    operations: tuple[str | None, ...]
    functions: tuple[str, ...]


THEMES = (
    Theme(
        {
            "buy": 0.4,
            "pay": 0.5,
            "refund": 3,
            "repeat": 2,
            "console": 2,
            "bank": 2,
            "close": 0.2,
            "look": 0.5,
            "weather": 1.5,
        },
        ("refund", "refund", "refund query", None),
        ("refund", "refund", "settle", "notify"),
    ),
    Theme(
        {"buy": 2, "repeat": 3, "close": 2, "refund": 0.2, "console": 0.3, "bank": 0.2},
        (*ORDERING, "close", "query", None),
        (*ORDERING, "close", "query", "settle", "notify"),
    ),
    Theme({}, OPERATIONS, NAMES),
)


class Habits:
    """What one world does often, and what never: worlds that all do a little of everything find less."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._theme = chance.choice((THEMES[0], *THEMES))
        self._names = list(RULES)
        self._weights = [
            rule.weight * self._theme.more.get(name, 1) * chance.choice(OFTEN if name in NEEDED else SELDOM)
            for name, rule in RULES.items()
        ]
        if chance.random() < 0.8:  # most worlds are never restored: of those, less may be asked
            self._weights[self._names.index("restore")] = 0
        self._calm = chance.choice((0.3, 0.6, 0.9))
        self._hurry = chance.choice((1, 2, 3))
        self._eager = chance.choice((0.0, 0.6, 0.95))
        self._bought = 0
        self._then: list[Step] = [self._drawn("buy"), ("pay", (0,)), ("wait", (1,))]
        if self._theme is THEMES[1]:
            del self._then[1:]

    def step(self) -> Step:
        """One step: a rule and its numbers."""
        if self._then:
            return self._then.pop(0)
        (name,) = self._chance.choices(self._names, self._weights)
        if name == "buy":
            self._bought += 1
            if self._bought > MOST_PURCHASES:
                name = "refund"
            elif self._chance.random() < self._eager:
                self._then = [("pay", (0,)), ("wait", (self._chance.randint(0, 1),))]
        return self._drawn(name)

    def _drawn(self, name: str) -> Step:
        chance, rule = self._chance, RULES[name]
        if name == "wait":
            return name, (int(chance.random() ** self._hurry * (rule.most[0] + 1)),)
        numbers = [
            0 if place in rule.calm and chance.random() < self._calm else chance.randint(0, most)
            for place, most in enumerate(rule.most)
        ]
        if name == "weather":
            numbers[1] = OPERATIONS.index(chance.choice(self._theme.operations))
        if name == "disturb":
            numbers[0] = NAMES.index(chance.choice(self._theme.functions))
        return name, tuple(numbers)


def steps_of(seed: str, length: int = LENGTH) -> list[Step]:
    """The steps of one world."""
    habits = Habits(random.Random(seed))
    return [habits.step() for _ in range(length)]
