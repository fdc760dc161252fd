"""The product's wiring with every outside part watched: each public method call is one effect."""

import random
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from payments.wiring import Wiring
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.crash.effects import Effect, Invocation

INSIDE = ("secrets",)
"""Parts that reach the outside only through other parts: the values of secrets are read by `_secrets_manager`."""
CLIENTS = {"_secrets_manager": "secretsmanager", "queue": "sqs", "events": "events"}
"""Parts that are clients of AWS, and of which service: made once, for making one takes longer than a run."""
_NOT_EFFECTS = ("session",)


class Watched:
    """A part of the wiring whose method calls go through the current invocation."""

    def __init__(self, part: str, target: Any, current: Callable[[], Invocation]) -> None:
        self._part = part
        self.target = target
        self._current = current

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self.target, method)
        if not callable(attribute) or method in _NOT_EFFECTS:
            return attribute

        def called(*arguments: Any, **members: Any) -> Any:
            effect = Effect(
                self._part, method, arguments, members, call=lambda: attribute(*arguments, **members)
            )
            return self._current().through(effect)

        return called


class CrashWiring(Wiring):
    """Wiring of one function instance. Set `invocation` before each of its invocations."""

    invocation: Invocation

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        clock: VirtualClock,
        wait: Callable[[float], None],
        chance: random.Random,
        client: Callable[[str], Any],
    ) -> None:
        super().__init__(environment)
        self._clock = clock
        self._wait = wait
        self._chance = chance
        self._client = client

    def now(self) -> float:
        """The virtual clock's."""
        return self._clock.time()

    def pause(self, seconds: float) -> None:
        """Nobody waits: the clock moves."""
        self._wait(seconds)

    def begin(self, seconds: float) -> None:
        """By the same clock."""
        self._deadline = self.now() + seconds

    def remaining(self) -> float:
        """By the same clock."""
        return self._deadline - self.now()

    def entropy(self) -> bytes:
        """The run's own."""
        return self._chance.randbytes(20)

    def nonce(self) -> str:
        """The run's own."""
        return self._chance.randbytes(16).hex()


def _watched(name: str, made: Callable[[Any], Any]) -> Any:
    def part(self: CrashWiring) -> Watched:
        target = self._client(CLIENTS[name]) if name in CLIENTS else made(self)
        return Watched(name, target, lambda: self.invocation)

    watched = cached_property(part)
    watched.__set_name__(CrashWiring, name)
    return watched


# By the class itself, so that a part that comes later is watched without anybody's doing.
for _name, _attribute in [each for made in reversed(Wiring.__mro__) for each in vars(made).items()]:
    if isinstance(_attribute, cached_property) and _name not in INSIDE:
        setattr(CrashWiring, _name, _watched(_name, _attribute.func))
