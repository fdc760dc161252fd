"""The product's wiring in a window: its own stores on tables in memory, its own client to WeChat Pay, services in memory."""

import random
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from payments.wiring import Wiring
from tests.kit.secrets import SecretsManager
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.soak.faults import ORDERS, Invocation
from tests.resilience.soak.services import Bus, Queues

_SENT = (*ORDERS, "close", "refund")


class Watched:
    """A part whose method calls are effects of the invocation under way. `kind` says, by method, how they go wrong."""

    def __init__(self, target: Any, kind: Callable[[str], str], current: Callable[[], Invocation]) -> None:
        self._target = target
        self._kind = kind
        self._current = current

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._target, method)
        if not callable(attribute):
            return attribute

        def called(*arguments: Any, **members: Any) -> Any:
            return self._current().through(
                self._kind(method), method, lambda: attribute(*arguments, **members), members, arguments
            )

        return called


def _service(method: str) -> str:
    return "batch" if method in ("put_events", "send_message_batch") else "service"


class Outside:
    """What all functions of a window share: time, chance, services."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        clock: VirtualClock,
        chance: random.Random,
        secrets: SecretsManager,
    ) -> None:
        self.environment = dict(environment)
        self.clock = clock
        self.chance = chance
        self.secrets = secrets
        self.bus = Bus()
        self.queues = Queues(clock.time)


class SoakWiring(Wiring):
    """Wiring of one function instance. `current` gives the invocation that it is in."""

    def __init__(self, outside: Outside, current: Callable[[], Invocation]) -> None:
        super().__init__(outside.environment)
        self._outside = outside
        self._current = current

    def now(self) -> float:
        """The virtual clock's."""
        return self._outside.clock.time()

    def pause(self, seconds: float) -> None:
        """Nobody waits: the clock moves."""
        self._outside.clock.advance(seconds)

    def begin(self, seconds: float) -> None:
        """By the same clock."""
        self._deadline = self.now() + seconds

    def remaining(self) -> float:
        """By the same clock."""
        return self._deadline - self.now()

    def entropy(self) -> bytes:
        """The window's own."""
        return self._outside.chance.randbytes(20)

    def nonce(self) -> str:
        """The window's own."""
        return self._outside.chance.randbytes(16).hex()

    @cached_property
    def wechat(self) -> Any:
        """The product's client, over HTTP to the simulator."""
        client = Wiring.wechat.func(self)  # type: ignore[attr-defined]
        return Watched(client, lambda method: "wechat" if method in _SENT else "question", self._current)

    @cached_property
    def _secrets_manager(self) -> Any:
        return Watched(self._outside.secrets, lambda _: "service", self._current)

    @cached_property
    def queue(self) -> Any:
        """SQS in memory."""
        return Watched(self._outside.queues, _service, self._current)

    @cached_property
    def events(self) -> Any:
        """EventBridge in memory."""
        return Watched(self._outside.bus, _service, self._current)
