"""The product's functions in this process: cold starts, invocations within invocations, deaths."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.api.http import endpoint
from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from sandbox.cloudformation.template import transformed
from tests.kit.functions import function
from tests.kit.parameters import TEMPLATE
from tests.resilience.believing.effects import Effects, Killed
from tests.resilience.believing.wired import ModelWiring, Outside

NAMES = ("native", "jsapi", "app", "h5", "close", "query", "payment", "refund", "notify", "sweep", "settle")
_OUTSIDE = (StorageUnavailableError, BotoCoreError, ClientError)

_modules: dict[tuple[str, int], ModuleType] = {}


class Kept(logging.Handler):
    """The product's log, as far as somebody asks: its errors' exceptions. Nothing is formatted."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.exc_info


kept = Kept()


@contextmanager
def quiet() -> Iterator[None]:
    """The product's log costs nothing meanwhile."""
    before, level, secrets = (
        list(logger.handlers),
        logger.log_level,
        logging.getLogger("payments.storage.secrets"),
    )
    logger.handlers[:] = [kept]
    logger.setLevel(logging.ERROR)
    secrets.disabled = True
    try:
        yield
    finally:
        logger.handlers[:] = before
        logger.setLevel(level)
        secrets.disabled = False


@cache
def read_template() -> dict[str, Any]:
    """template.yaml, as SAM makes it plain."""
    return transformed(TEMPLATE)


def environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """What the template gives all functions together; `overrides` are parameters by name."""
    template = read_template()
    parameters = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    parameters |= {"AWS::StackName": "model", "AWS::Region": "us-east-1", **overrides}
    found: dict[str, str] = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"].get("Environment", {}).get("Variables", {})
            found |= {name: _plain(value, parameters) for name, value in variables.items()}
    return found


def _plain(value: Any, parameters: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        if kind == "Ref":
            return parameters.get(content, content)
        return "model" if kind == "Fn::If" else str(content)
    return str(value)


class Context:
    """What Lambda hands to a handler, as far as ours ask."""

    def get_remaining_time_in_millis(self) -> int:
        """Always enough."""
        return 50_000


class Functions:
    """One world's instances: of each function one for every depth of invocations within invocations."""

    def __init__(self, outside: Outside, effects: Effects) -> None:
        self._outside = outside
        self._effects = effects
        self._handlers: dict[tuple[str, int], Any] = {}
        self.interrupted_at = -1e9
        """When an invocation has last died, or lost its table in the middle."""
        self.untroubled = False
        """Whether nothing went wrong in the invocation that has ended last."""
        self.raised: list[str] = []
        """What a handler has let out that is neither a death nor trouble outside: mistakes of the product."""

    def invoke(self, function: str, event: dict[str, Any], *, wish: object | None = None) -> Any:
        """What the handler returns; None when it died or raised."""
        place = (function, len(self._effects.under_way))
        handler = self._handlers.get(place) or self._started(place)
        invocation = self._effects.begin(function, wish)
        try:
            return handler(event, Context())
        except Killed:
            self.interrupted_at = self._outside.now()
            self._handlers.pop(place, None)
            return None
        except _OUTSIDE:
            return None
        except Exception as problem:  # noqa: BLE001  a mistake of the product, whatever it is
            self.raised.append(f"{function} raises {type(problem).__name__}: {problem}")
            return None
        finally:
            self._effects.end(invocation)
            if invocation.interrupted:
                self.interrupted_at = self._outside.now()
            self.untroubled = not invocation.trouble and not self._effects.under_way

    def _started(self, place: tuple[str, int]) -> Any:
        module = _modules.get(place) or _loaded(place)
        wiring = ModelWiring(self._outside)
        if hasattr(module, "answer"):
            handler = endpoint(module.answer, wiring)
        else:
            module.wiring = wiring  # type: ignore[attr-defined]
            if hasattr(module, "breaker"):
                module.breaker = type(module.breaker)()  # type: ignore[attr-defined]
            handler = module.lambda_handler
        self._handlers[place] = handler
        return handler


def _loaded(place: tuple[str, int]) -> ModuleType:
    module = function(place[0])
    if hasattr(module, "qr"):  # a picture takes longer than all the rest of a call
        module.qr = SimpleNamespace(data_url=lambda _text: "data:,")  # type: ignore[attr-defined]
    _modules[place] = module
    return module
