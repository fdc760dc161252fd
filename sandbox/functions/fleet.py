"""The processes of one function, the calls that wait for one, and what all of them wrote."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from sandbox.clock import Clock
from sandbox.functions.execution import Environment, FunctionError, NotDeliveredError

MAX_INIT_SECONDS = 10
"""Seconds that Lambda gives a module to load before the function's own timeout begins to count."""
MIN_WAIT_SECONDS = 30
"""Seconds, at least, that a call then waits for a process; API Gateway waits no longer either."""
MAX_LOG_CHARACTERS = 4_000_000
"""Characters of output that are kept; the oldest lines go first."""


class Fleet:
    """Starts a process when a call finds none free, never more than `max_processes`; the last used goes first."""

    def __init__(
        self,
        timeout: int,
        start: "Callable[[Fleet], Environment]",
        max_processes: int,
        sink: Callable[[str], None] | None,
    ) -> None:
        self._timeout, self._start, self._max, self._sink = timeout, start, max_processes, sink
        self._lock = threading.RLock()
        self._all: set[Environment] = set()
        self._idle: list[Environment] = []
        self._waiting: deque[Future[Environment]] = deque()
        self._closed = False
        self._log_lock = threading.Lock()
        self._lines: deque[str] = deque()
        self._size = 0

    # ---- calls ----

    def run(self, event: bytes, clock: Clock) -> bytes:
        """One call. Raises FunctionError."""
        while True:
            environment = self._acquire()
            try:
                return environment.run(event, clock.time())
            except NotDeliveredError:
                continue
            finally:
                if environment.usable:
                    self._release(environment)

    def warm(self) -> None:
        """Have one process ready. Raises FunctionError when the module cannot be loaded."""
        with self._lock:
            if self._all:
                return
        self._release(self._acquire())

    def _acquire(self) -> Environment:
        turn: Future[Environment] = Future()
        with self._lock:
            while self._idle:
                environment = self._idle.pop()
                if environment.usable:
                    return environment
            self._waiting.append(turn)
            self._fill()
        try:
            return turn.result(MAX_INIT_SECONDS + max(self._timeout, MIN_WAIT_SECONDS))
        except TimeoutError:
            with self._lock:
                if not turn.cancel():
                    return turn.result()
                self._waiting.remove(turn)
                for environment in self._all:
                    if not environment.ready:
                        environment.kill()
        raise FunctionError("Sandbox.Timedout", "Error: no process was free or ready in time")

    def _release(self, environment: Environment) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set_result(environment)
            else:
                self._idle.append(environment)

    # ---- processes ----

    def _fill(self) -> None:
        """Start as many processes as calls wait for, within the bound. The lock is held."""
        while self._waiting:
            if self._closed:
                self._waiting.popleft().set_exception(
                    FunctionError("Sandbox.Stopped", "the sandbox is stopping")
                )
                continue
            starting = sum(not environment.ready for environment in self._all)
            if starting >= len(self._waiting) or len(self._all) >= self._max:
                return
            try:
                # Under the lock, so that nobody hears of its end before it is counted.
                self._all.add(self._start(self))
            except Exception as error:  # noqa: BLE001 - whatever it was, the call that wanted the process is told
                self._waiting.popleft().set_exception(error)

    def started(self, environment: Environment) -> None:
        """A process asks for its first event."""
        with (
            self._lock
        ):  # at once: a process that is ready, and whose call still waits, would seem to be one too few
            environment.ready = True
            self._release(environment)

    def ended(self, environment: Environment, error: FunctionError) -> None:
        """A process is gone; when it was still starting, the call that has waited longest hears why."""
        with self._lock:
            self._all.discard(environment)
            if environment in self._idle:
                self._idle.remove(environment)
            if not environment.ready and self._waiting:
                self._waiting.popleft().set_exception(error)
            self._fill()

    def end(self, how: Callable[[Environment], None]) -> int:
        """Terminate or kill every process; none of them gets another event."""
        with self._lock:
            self._idle.clear()
            environments = [environment for environment in self._all if environment.alive]
        for environment in environments:
            how(environment)
        return len(environments)

    def close(self) -> None:
        """Start no more processes; calls that wait for one fail."""
        with self._lock:
            self._closed = True
            self._fill()

    def join(self, timeout: float) -> bool:
        """Wait for the end of all processes, `timeout` seconds each."""
        with self._lock:
            environments = list(self._all)
        joined = [environment.join(timeout) for environment in environments]
        return all(joined)

    def pids(self) -> list[int]:
        """Process numbers, of those that live."""
        with self._lock:
            return [environment.process.pid for environment in self._all if environment.usable]

    # ---- output ----

    def log(self, line: str) -> None:
        """Take one line of a process's output."""
        with self._log_lock:
            self._lines.append(line)
            self._size += len(line)
            while self._size > MAX_LOG_CHARACTERS:
                self._size -= len(self._lines.popleft())
            if self._sink is not None:
                self._sink(line)

    def output(self) -> str:
        """All that was written up to now."""
        with self._lock:
            environments = list(self._all)
        for environment in environments:
            environment.settle_output()
        with self._log_lock:
            return "".join(f"{line}\n" for line in self._lines)
