"""Effects: every call by which an invocation reaches the outside, numbered through a whole run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.resilience.crash.guard import Guard


class Killed(BaseException):
    """The invocation has died. No `except Exception` of the product outlives it."""


@dataclass(frozen=True, order=True)
class Fault:
    """What goes wrong at one effect of a run, written `5:die_before`."""

    number: int
    mode: str

    def __str__(self) -> str:
        return f"{self.number}:{self.mode}"

    @classmethod
    def parsed(cls, text: str) -> "Fault":
        """From `5:die_before`. Raises ValueError."""
        number, _, mode = text.partition(":")
        return cls(int(number), mode)


@dataclass(frozen=True)
class Effect:
    """One call: `part` is the wiring's attribute, `call` does it for real."""

    part: str
    method: str
    arguments: tuple[Any, ...]
    members: Mapping[str, Any]
    call: Callable[[], Any]

    @property
    def name(self) -> str:
        """As it is listed: `store.record_money`."""
        return f"{self.part}.{self.method}"


class GoesWrong(Protocol):
    """How an effect goes wrong in one mode: what the caller gets, or what it raises."""

    def __call__(self, effect: Effect, mode: str) -> Any: ...


class Effects:
    """The numbered effects of one run, in order, and which of them go wrong."""

    def __init__(self, faults: tuple[Fault, ...], goes_wrong: GoesWrong, guard: Guard) -> None:
        self._faults = {fault.number: fault.mode for fault in faults}
        self._goes_wrong = goes_wrong
        self._guard = guard
        self.names: list[str] = []
        self.happened: list[str] = []
        self.asked = 0
        """How often WeChat Pay was asked for something."""
        self.quarantined: list[Mapping[str, Any]] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What the world does just before the first counted effect of this name, e.g. the buyer pays."""
        self.prepared: dict[str, str] = {}
        """How the next effect of this name goes wrong while effects are not counted: a flow's own beginning."""

    def invocation(self, *, counted: bool) -> "Invocation":
        """One invocation of a function; only a counted one's effects have numbers."""
        return Invocation(self, counted=counted)

    def through(self, effect: Effect, *, counted: bool) -> Any:
        """Let one effect happen, or go wrong."""
        with self._guard.effect():
            self.asked += effect.part == "wechat"
            if effect.part == "quarantine":
                self.quarantined.append(effect.members)
            if not counted:
                mode = self.prepared.pop(effect.name, None)
                return effect.call() if mode is None else self._goes_wrong(effect, mode)
            self.names.append(effect.name)
            mode = self._faults.get(len(self.names))
            if (happens := self.before.pop(effect.name, None)) is not None:
                happens()
            if mode is None:
                return effect.call()
            self.happened.append(f"{effect.name} {mode}")
            return self._goes_wrong(effect, mode)


class Invocation:
    """Effects of one invocation; once it has died, none happens any more, whatever `finally` still asks for."""

    def __init__(self, effects: Effects, *, counted: bool) -> None:
        self._effects = effects
        self._counted = counted
        self._dead = False

    def through(self, effect: Effect) -> Any:
        """Raises Killed when the invocation dies here, or has died before."""
        if self._dead:
            raise Killed
        try:
            return self._effects.through(effect, counted=self._counted)
        except Killed:
            self._dead = True
            raise
