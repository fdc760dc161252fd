"""The functions of one window: cold starts, warm instances, invocations one inside the other, deaths."""

import importlib.util
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from payments.api.http import endpoint
from payments.core.errors import ConfigurationError, StorageUnavailableError
from tests.resilience.crash.effects import Killed
from tests.resilience.soak.faults import Invocation
from tests.resilience.soak.wired import Outside, SoakWiring

ROOT = Path(__file__).parents[3]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Planted = Callable[[ModuleType, SoakWiring], None]
"""Changes a freshly started instance: its module and its wiring."""

_OUTSIDE = (StorageUnavailableError, BotoCoreError, ClientError, ConfigurationError)
_numbers = itertools.count(1)
_code: dict[str, CodeType] = {}


class Context:
    """What Lambda hands to a handler, as far as ours ask."""

    def get_remaining_time_in_millis(self) -> int:
        """Always enough."""
        return 15_000


class Functions:
    """Instances by function: an idle one is used again, a dead one never."""

    def __init__(
        self,
        outside: Outside,
        *,
        begun: Callable[[], Invocation],
        problem: Callable[[str], None],
        planted: Planted | None = None,
    ) -> None:
        self._outside = outside
        self._begun = begun
        self._problem = problem
        self._planted = planted
        self._idle: dict[str, list[Handler]] = {}
        self.current: Invocation | None = None
        self.invoked = 0
        self.deaths = 0
        self.slowest: dict[str, float] = {}
        """The longest real time of one invocation by function, in seconds."""

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """One invocation; None when it died or raised."""
        idle = self._idle.setdefault(function, [])
        handler = idle.pop() if idle else self._started(function)
        before, self.current = self.current, self._begun()
        self.invoked += 1
        began = time.perf_counter()
        try:
            answer = handler(event, Context())
        except Killed:
            self.deaths += 1
            return None
        except _OUTSIDE:
            idle.append(handler)
            return None  # a function may end so; its caller sees no answer
        except Exception as problem:  # noqa: BLE001  a mistake of the product, whatever it is
            self._problem(f"{function} raises {type(problem).__name__}: {problem}")
            return None
        finally:
            self.current = before
            took = time.perf_counter() - began
            if before is None:  # what was done meanwhile is not its own time
                self.slowest[function] = max(took, self.slowest.get(function, 0.0))
        idle.append(handler)
        return answer

    def now(self) -> Invocation:
        """The invocation under way."""
        assert self.current is not None
        return self.current

    def alone(self, call: Callable[[], Any], invocation: Invocation) -> None:
        """A request that arrives although its sender has given up; nobody hears its answer."""
        before, self.current = self.current, invocation
        try:
            call()
        except Exception:  # noqa: BLE001
            pass
        finally:
            self.current = before

    def _started(self, function: str) -> Handler:
        wiring = SoakWiring(self._outside, self.now)
        module = _loaded(function)
        if self._planted is not None:
            self._planted(module, wiring)
        if hasattr(module, "answer"):
            return endpoint(module.answer, wiring)
        module.wiring = wiring  # type: ignore[attr-defined]
        handler: Handler = module.lambda_handler
        return handler


def _loaded(function: str) -> ModuleType:
    """A fresh instance of functions/<name>/app.py, as a cold start would load it; compiled once."""
    path = ROOT / "functions" / function / "app.py"
    if function not in _code:
        _code[function] = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    name = f"soak_{function}_{next(_numbers)}"
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader=None))  # type: ignore[arg-type]
    module.__file__ = str(path)
    exec(_code[function], module.__dict__)
    return module


class InOrder:
    """A pool of one that does each thing when it is given."""

    def __init__(self, _workers: int) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def map(self, work: Callable[..., Any], each: Iterable[Any]) -> Iterator[Any]:
        """One after the other."""
        return iter([work(one) for one in each])
