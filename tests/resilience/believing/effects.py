"""Effects: every call by which an invocation reaches the outside, and how one of them is made to go wrong.

An effect is a call of DynamoDB, of SQS, or one request to one of WeChat Pay's hosts. Whoever wants one to go wrong arms a
fault: the nth effect of the next invocation of a function, and in which way. What that way means, the effect's owner knows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

EFFECTS = 7  # of an invocation that are counted one by one


class Killed(BaseException):
    """The invocation has died. No `except Exception` of the product outlives it."""


@dataclass(frozen=True)
class Fault:
    """The `nth` effect (from 1) of an invocation goes wrong; `way` is taken modulo the ways that there are.

    Beyond EFFECTS, `nth` counts requests to WeChat Pay alone: 8 is the first of them.
    """

    nth: int
    way: int


@dataclass
class Invocation:
    """One invocation of a function; once it has died, no effect of it happens any more."""

    function: str
    wish: object | None = None
    faults: dict[int, int] = field(default_factory=dict)
    effects: int = 0
    requests: int = 0  # of them to WeChat Pay
    dead: bool = False
    interrupted: bool = False  # the table did not answer it
    trouble: bool = False  # something went wrong in it, or somebody else acted meanwhile


class Effects:
    """The invocations under way, innermost last, and the faults that wait for the next one of a function."""

    def __init__(self, *, happened: Callable[[str, str], None]) -> None:
        self.under_way: list[Invocation] = []
        self._armed: dict[str, list[Fault]] = {}
        self._happened = happened

    def arm(self, function: str, fault: Fault) -> None:
        """For the next invocation of this function."""
        self._armed.setdefault(function, []).append(fault)

    def disarm(self) -> None:
        """Nothing that waits goes wrong any more."""
        self._armed.clear()

    def begin(self, function: str, wish: object | None) -> Invocation:
        """An invocation begins; `wish` is whose it is."""
        faults = {fault.nth: fault.way for fault in self._armed.pop(function, ())}
        invocation = Invocation(function, wish, faults)
        self.under_way.append(invocation)
        return invocation

    def end(self, invocation: Invocation) -> None:
        """It has ended, however."""
        assert self.under_way.pop() is invocation

    def way(self, name: str, ways: tuple[str, ...], *, request: bool = False) -> str | None:
        """How this effect goes wrong, or None. Raises Killed where the invocation is dead, or dies just before it."""
        if not self.under_way:
            return None
        invocation = self.under_way[-1]
        if invocation.dead:
            raise Killed
        invocation.effects += 1
        number = invocation.faults.pop(invocation.effects, None) if invocation.effects <= EFFECTS else None
        if request:
            invocation.requests += 1
            asked = invocation.faults.pop(EFFECTS + invocation.requests, None)
            number = asked if number is None else number
        if number is None:
            return None
        way = ways[number % len(ways)]
        self.troubled()
        self._happened(way, f"{name} of {invocation.function}")
        if way == "dies before":
            self.die()
        return way

    def troubled(self) -> None:
        """Whatever is under way has met trouble."""
        for invocation in self.under_way:
            invocation.trouble = True

    def die(self) -> None:
        """The innermost invocation dies here."""
        self.under_way[-1].dead = True
        raise Killed
