"""Which fault happens now: the rules that were posted, in order, counted down and drawn with a seeded random."""

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wechatpay_simulator.faults.fault_rule import Rule

_SEEDS = 2**32


@dataclass
class _Standing:
    """A rule, and how often it has happened."""

    rule: Rule
    happened: int = 0

    def is_for(self, on: str, effects: tuple[str, ...]) -> bool:
        return self.rule.on == on and self.rule.effect in effects and self.left != 0

    @property
    def left(self) -> int | None:
        return None if self.rule.times is None else self.rule.times - self.happened


class Faults:
    """Nothing goes wrong until rules are added. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: list[_Standing] = []
        self._seed = random.randrange(_SEEDS)
        self._random = random.Random(self._seed)

    def add(self, rules: Iterable[Rule], *, seed: int | None = None) -> None:
        """Put `rules` behind those that stand; with a `seed` the random starts anew from it."""
        with self._lock:
            self._standing += [_Standing(rule) for rule in rules]
            if seed is not None:
                self._seed, self._random = seed, random.Random(seed)

    def take(self, on: str, *effects: str) -> Rule | None:
        """The fault that happens now to `on`, of one of these effects; None when all is well.

        Never more than one: the first rule that is not used up and whose draw succeeds. Taking it counts it.
        """
        with self._lock:
            for each in self._standing:
                if each.is_for(on, effects) and self._random.random() < each.rule.probability:
                    each.happened += 1
                    return each.rule
        return None

    def clear(self) -> None:
        """No rule stands any more."""
        with self._lock:
            self._standing.clear()

    def forget(self, most: int) -> None:
        """Of the rules that will not happen any more keep the newest `most`."""
        if len(self._standing) > most:
            with self._lock:
                used_up = [each for each in self._standing if each.left == 0]
                gone = {id(each) for each in used_up[:-most]}
                self._standing = [each for each in self._standing if id(each) not in gone]

    def shown(self) -> dict[str, Any]:
        """Seed and rules, with how often each has happened and, when it is counted, how often it still will."""
        with self._lock:
            return {
                "seed": self._seed,
                "rules": [
                    each.rule.document()
                    | {"happened": each.happened}
                    | ({} if each.left is None else {"left": each.left})
                    for each in self._standing
                ],
            }
