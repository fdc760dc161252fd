"""Cold starts: a fresh process under AWS's own runtime client, from its start to the answer of its first call."""

import os
import queue
import secrets
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.functions.runtime_api import Event, RuntimeApi
from tests.bench.measuring.calling import FailedCallError, peak_of
from tests.bench.measuring.pinning import pinned_spawn
from tests.bench.stage.canned import Canned, Replaying
from tests.bench.stage.endpoints import encoded, judge
from tests.bench.stage.recording import Recorded
from tests.bench.stage.stage import Stage

MAX_SECONDS = 60


@dataclass
class Cold:
    """One variant of one endpoint; a value for each start."""

    wall: list[float] = field(default_factory=list)  # seconds
    cpu: list[float] = field(default_factory=list)  # processor seconds of the whole process
    init: list[float] = field(default_factory=list)  # …until it asked for its first event
    first: list[float] = field(default_factory=list)  # …from then to its answer
    peak: list[float] = field(default_factory=list)  # MiB
    connections: int = 0
    trips: int = 0

    def median(self, what: str) -> float:
        """Of one of the lists."""
        return statistics.median(getattr(self, what))


def measure(
    stage: Stage,
    endpoint: str,
    recorded: Mapping[str, Recorded],
    *,
    starts: int,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Cold]:
    """One endpoint, by variant, in rotating order; one start more of each before, so that all files have been read."""
    names = list(recorded)
    found = {name: Cold() for name in names}
    for start in range(starts + 1):
        first = start % len(names)
        for name in names[first:] + names[:first]:
            one = started(stage, endpoint, name, recorded[name])
            if start:
                for what in ("wall", "cpu", "init", "first", "peak"):
                    getattr(found[name], what).append(getattr(one, what))
                found[name].connections, found[name].trips = one.connections, one.trips
        tell(f"{endpoint}: cold start {start} of {starts}")
    return found


@dataclass(frozen=True)
class Start:
    """One cold start, in seconds and MiB."""

    wall: float
    cpu: float
    init: float
    first: float
    peak: float
    connections: int
    trips: int


def started(stage: Stage, endpoint: str, name: str, recorded: Recorded) -> Start:
    """Start, answer once, be killed. Raises FailedCallError."""
    variant, canned = stage.variants[name], stage.canned
    canned.reset()
    canned.source = Replaying(recorded.script, stage.credentials)
    event = encoded(recorded.event())
    runtime = _Runtime(event)
    environment = stage.environment(variant, endpoint) | {"AWS_LAMBDA_RUNTIME_API": runtime.address}
    log = stage.log(variant, endpoint)
    with log.open("ab") as output:
        began = time.perf_counter()
        process = pinned_spawn(
            [stage.python, "-m", "awslambdaric", variant.handler(endpoint)],
            cwd=variant.code(endpoint),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    runtime.pid = process.pid
    try:
        body, answered = runtime.wait()
        peak = peak_of(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = -signal.SIGKILL
        runtime.close()
    _check(canned, body, recorded, f"{name}, {endpoint}", log)
    return Start(
        wall=answered - began,
        cpu=usage.ru_utime + usage.ru_stime,
        init=runtime.init,
        first=runtime.answered - runtime.init,
        peak=peak or 0.0,
        connections=canned.connections,
        trips=sum(canned.asked.values()),
    )


def _check(canned: Canned, body: bytes | None, recorded: Recorded, what: str, log: Path) -> None:
    if body is None:
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise FailedCallError(f"{what}, did not answer:\n{tail}")
    judge(canned.refused, body, recorded.answer, what)


class _Runtime:
    """The Runtime API of one process that gets one event."""

    def __init__(self, event: bytes) -> None:
        self._event: bytes | None = event
        self._over = threading.Event()
        self._answers: queue.SimpleQueue[tuple[bytes | None, float]] = queue.SimpleQueue()
        self._api = RuntimeApi(self._next, self._take)
        self.address = self._api.address
        self.pid = 0
        self.init = self.answered = 0.0  # processor seconds of the process at those two moments
        self._api.thread.start()

    def wait(self) -> tuple[bytes | None, float]:
        """What the handler answered, None where it failed, and when."""
        try:
            return self._answers.get(timeout=MAX_SECONDS)
        except queue.Empty:
            return None, 0.0

    def close(self) -> None:
        """No more events."""
        self._over.set()
        self._api.close()

    def _next(self, _connection: socket.socket) -> Event | None:
        event, self._event = self._event, None
        if event is None:
            self._over.wait(MAX_SECONDS)
            return None
        self.init = processor_seconds(self.pid)
        return Event(
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": secrets.token_hex(16),
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 15) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:bench",
                "Lambda-Runtime-Trace-Id": f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)};Sampled=0",
            },
        )

    def _take(self, path: str, body: bytes) -> bool:
        self.answered = processor_seconds(self.pid)
        self._answers.put((body if path.endswith("/response") else None, time.perf_counter()))
        return True


def processor_seconds(pid: int) -> float:
    """What all threads of a process have had of a processor so far (Linux, Documentation/scheduler/sched-stats.rst)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9
