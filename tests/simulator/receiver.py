"""The merchant's web server, which takes notifications."""

import threading
from dataclasses import dataclass, field


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The merchant's web server. Answers with `statuses` in turn, the last one for ever."""

    url: str
    statuses: list[int] = field(default_factory=lambda: [200])
    location: str | None = None
    received: list[Received] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int, seconds: float = 5) -> list[Received]:
        """What came, once it is `count` requests; fails when it is not within `seconds`."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return list(self.received)
