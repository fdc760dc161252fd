"""The product's wiring in this process: its own store, its own client of WeChat Pay, everything else from the model."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from payments.wiring import Wiring
from tests.resilience.believing.line import Line
from wechatpay.client import Client


@dataclass(frozen=True)
class Outside:
    """What the wirings of one world share."""

    environment: Mapping[str, str]
    secrets: Any
    queue: Any
    line: Line
    now: Callable[[], float]
    wait: Callable[[float], None]
    drawn: Callable[[], int]  # a number that has not been drawn before
    measured: Callable[[str, float, Mapping[str, str]], None]


class ModelWiring(Wiring):
    """Wiring of one function instance, by the world's clock."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside.environment)
        self._outside = outside

    def now(self) -> float:
        """The world's time."""
        return self._outside.now()

    def pause(self, seconds: float) -> None:
        """Nobody waits: the clock moves."""
        self._outside.wait(seconds)

    def begin(self, seconds: float) -> None:
        """By the same clock."""
        self._deadline = self.now() + seconds

    def remaining(self) -> float:
        """By the same clock."""
        return self._deadline - self.now()

    def entropy(self) -> bytes:
        """Another twenty bytes each time, the same ones in each run of a seed."""
        return hashlib.sha256(b"%d" % self._outside.drawn()).digest()[:20]

    def nonce(self) -> str:
        """Another each time."""
        return f"{self._outside.drawn():032}"

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        """Nothing is written down."""
        for name, value in values.items():
            self._outside.measured(name, value, dimensions)

    @cached_property
    def wechat(self) -> Client:
        """The product's own client over the model's line, which is as much of a session as the client uses."""
        return Client(
            signer=self.secrets.signing.value,
            keys=self.secrets.keys,
            gateways=self.settings.gateways,
            clock=self.now,
            nonce=self.nonce,
            remaining=self.remaining,
            on_call=self._measure_call,
            session=self._outside.line,  # type: ignore[arg-type]
        )

    @cached_property
    def _secrets_manager(self) -> Any:
        return self._outside.secrets

    @cached_property
    def queue(self) -> Any:
        """The world's SQS."""
        return self._outside.queue
