"""The functions of one run: cold starts, invocations, deaths."""

import random
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from payments.api.http import endpoint
from payments.core.errors import (
    ConfigurationError,
    RefusedUpdate,
    StorageUnavailableError,
    TryAgainError,
)
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.crash.effects import Effects, Killed
from tests.resilience.crash.guard import BypassError
from tests.resilience.crash.wired import CrashWiring
from tests.resilience.crash.world import World
from wechatpay.errors import WeChatPayError

MAX_WAIT_SECONDS = 60  # seconds for a request that nobody waits for any more

_OUTSIDE = (StorageUnavailableError, BotoCoreError, ClientError, ConfigurationError, TryAgainError)

Planted = Callable[[ModuleType, CrashWiring], None]
"""Changes a freshly started instance: its module and its wiring."""


class Stage(Protocol):
    """What a run gives its functions."""

    world: World
    clock: VirtualClock
    chance: random.Random
    effects: Effects
    violations: list[str]

    def wait(self, seconds: float) -> None:
        """Time passes while a function waits."""


class Context:
    """What Lambda hands to a handler, as far as ours ask."""

    def get_remaining_time_in_millis(self) -> int:
        """Always enough."""
        return 15_000


@dataclass
class Instance:
    """One function instance: its handler and the wiring it has."""

    handler: Callable[[dict[str, Any], Any], Any]
    wiring: CrashWiring


class Functions:
    """`counted` names the functions whose effects have numbers, once `armed`; they have instances of their own."""

    def __init__(self, stage: Stage, *, counted: tuple[str, ...], planted: Planted | None) -> None:
        self.armed = False
        self._stage = stage
        self._counted = counted
        self._planted = planted
        self._instances: dict[tuple[str, bool], Instance] = {}
        self._current: Instance | None = None

    def invoke(self, function: str, event: dict[str, Any], *, aside: bool) -> dict[str, Any] | None:
        """One invocation; None when it died or raised. `aside`: on another instance, and not counted."""
        counted = self.armed and function in self._counted and not aside
        instance = self._instances.get((function, counted)) or self._started(function, counted)
        instance.wiring.invocation = self._stage.effects.invocation(counted=counted)
        before, self._current = self._current, instance
        try:
            # Its metrics are lines on standard output: part of the log, in which no secret may be.
            with self._stage.world.guard.product(), redirect_stdout(self._stage.world.logs):
                answer: dict[str, Any] = instance.handler(event, Context())
        except Killed:
            del self._instances[function, counted]
            return None
        except BypassError as bypass:
            self._stage.violations.append(f"{function}: {bypass}")
            return None
        except _OUTSIDE:
            return None  # a function may end so; its caller sees no answer
        except Exception as problem:  # noqa: BLE001  a mistake of the product, whatever it is
            self._stage.violations.append(f"{function} raises {type(problem).__name__}: {problem}")
            return None
        finally:
            self._current = before
        return answer

    def arriving(self, call: Callable[[], Any]) -> Callable[[], None]:
        """A request of the invocation under way that will arrive later; nobody hears its answer."""
        instance = self._current
        assert instance is not None

        def arrive() -> None:
            before, deadline = instance.wiring.invocation, instance.wiring.remaining()
            instance.wiring.invocation = self._stage.effects.invocation(counted=False)
            instance.wiring.begin(MAX_WAIT_SECONDS)
            self._stage.effects.asked += 1
            try:
                with self._stage.world.guard.effect():
                    call()
            except (WeChatPayError, StorageUnavailableError, RefusedUpdate):
                pass
            finally:
                instance.wiring.invocation = before
                instance.wiring.begin(deadline)

        return arrive

    def _started(self, function: str, counted: bool) -> Instance:
        world = self._stage.world
        wiring = CrashWiring(
            dict(world.environment),
            clock=self._stage.clock,
            wait=self._stage.wait,
            chance=self._stage.chance,
            client=world.aws.client if counted else world.client,
        )
        module = world.function(function)
        if self._planted is not None and counted:
            self._planted(module, wiring)
        if hasattr(module, "answer"):
            instance = Instance(endpoint(module.answer, wiring), wiring)
        else:
            module.wiring = wiring  # type: ignore[attr-defined]
            # One that says nothing has said that it is done: None is for one that has died.
            instance = Instance(lambda event, context: module.lambda_handler(event, context) or {}, wiring)
        self._instances[function, counted] = instance
        return instance
