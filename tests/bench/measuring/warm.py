"""Warm calls: blocks of them in turn, one process of each variant, so that what disturbs one disturbs all."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bench.measuring.calling import Called
from tests.bench.stage.canned import Replaying
from tests.bench.stage.endpoints import judge
from tests.bench.stage.recording import Recorded
from tests.bench.stage.stage import Stage


@dataclass
class Warm:
    """One variant of one endpoint, in processor seconds."""

    init: float
    first: float
    calls: list[float] = field(default_factory=list)  # of one call, the mean of each block
    anew: list[float] = field(default_factory=list)  # the same, where every answer ends its connection
    aws: float = 0.0  # round trips of a call
    wechat: float = 0.0
    connections: float = 0.0  # of a call, in the blocks of `anew`
    first_connections: int = 0
    peak: float | None = None  # MiB

    @property
    def call(self) -> float:
        """Of one call: the median of the blocks."""
        return statistics.median(self.calls)

    @property
    def connection(self) -> float | None:
        """Of one new TLS connection, beyond what the same call costs on a kept one."""
        if not self.anew or not self.connections:
            return None
        return max(0.0, statistics.median(self.anew) - self.call) / self.connections


def measure(
    stage: Stage,
    endpoint: str,
    recorded: Mapping[str, Recorded],
    *,
    blocks: int,
    calls: int,
    anew: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Warm]:
    """One endpoint, by variant: `blocks` of `calls` calls each; `anew`: and what a new connection costs.

    Raises FailedCallError, and WrongAnswerError where a call goes wrong.
    """
    names = list(recorded)
    turns = {name: _Turns(stage, endpoint, name, recorded[name]) for name in names}
    try:
        for block in range(blocks):
            first = block % len(names)  # whoever comes first after another is not always the same
            for name in names[first:] + names[:first]:
                turns[name].take(calls)
            tell(f"{endpoint}: block {block + 1} of {blocks}")
        for _ in range(max(2, blocks // 4) if anew else 0):
            for name in names:
                turns[name].take_anew(max(3, calls // 4))
    finally:
        for turn in turns.values():
            turn.end()
    return {name: turn.warm for name, turn in turns.items()}


class _Turns:
    """One process, and what it has to be answered with whenever it is its turn."""

    def __init__(self, stage: Stage, endpoint: str, name: str, recorded: Recorded) -> None:
        self._canned, self._recorded = stage.canned, recorded
        self._what = f"{name}, {endpoint}"
        self._source = Replaying(recorded.script, stage.credentials)
        self._canned.reset()
        self._canned.source = self._source
        self._process: Called = stage.started(stage.variants[name], endpoint)
        block = self._process.call(recorded.event())
        self.warm = Warm(self._process.init, block.cpu, first_connections=self._canned.connections)
        self._judge(block.answer)

    def take(self, calls: int) -> None:
        """One call to find its connections again, then a block of them."""
        self._canned.source = self._source
        event = self._recorded.event()
        self._process.call(event, collect=True)
        self._canned.reset()
        block = self._process.call(event, calls)
        self._judge(block.answer)
        self.warm.calls.append(block.cpu / calls)
        self.warm.aws = self._canned.asked["aws"] / calls
        self.warm.wechat = self._canned.asked["wechat"] / calls

    def take_anew(self, calls: int) -> None:
        """The same, each answer over a connection of its own."""
        self._canned.source, self._canned.one_each = self._source, True
        try:
            event = self._recorded.event()
            self._process.call(event, collect=True)
            self._canned.reset()
            block = self._process.call(event, calls)
            self._judge(block.answer)
            self.warm.anew.append(block.cpu / calls)
            self.warm.connections = self._canned.connections / calls
        finally:
            self._canned.one_each = False

    def end(self) -> None:
        """No more calls."""
        self.warm.peak = self._process.peak
        self._process.end()

    def _judge(self, answer: dict[str, Any]) -> None:
        judge(self._canned.refused, answer, self._recorded.answer, self._what)
