"""One Lambda execution environment: a function's process from its start to its end, one event at a time."""

import json
import queue
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from sandbox.deployed import Function
from sandbox.functions.output import Output
from sandbox.functions.runtime_api import Event, RuntimeApi

MAX_RESPONSE_BYTES = 6_291_556
"""Bytes of an answer: 6 MB and the hundred bytes more that Lambda's own message names."""


class FunctionError(Exception):
    """The call failed in the function or with it; `type` and `message` are what Lambda answers as the error."""

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 - Lambda's own word for it
        super().__init__(type, message)
        self.type = type
        self.message = message

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


class NotDeliveredError(Exception):
    """The process ended before it took the event: the call may safely be given to another one."""


@dataclass
class _Invocation:
    request_id: str
    payload: bytes
    deadline_ms: int
    delivered: bool = False
    outcome: "Future[bytes]" = field(default_factory=Future)


class Process(Protocol):
    """A function's process: `subprocess.Popen`, or what does as much."""

    pid: int
    stdout: IO[bytes] | None

    def poll(self) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None while it lives."""

    def wait(self) -> int:
        """The same, once it has ended."""

    def send_signal(self, sig: int) -> None:
        """Never to a process that has ended: its number may be a stranger's by now."""


class Environment:
    """What `launch` starts with the Runtime API's variables in the function's folder.

    `on_ready` is called when the process asks for its first event, `on_end` once when it has ended, with what a call
    that still waits for it should be told. `log` takes every line that it writes. Raises OSError.
    """

    def __init__(
        self,
        function: Function,
        launch: Callable[[dict[str, str]], Process],
        *,
        on_ready: "Callable[[Environment], None]",
        on_end: "Callable[[Environment, FunctionError], None]",
        log: Callable[[str], None],
    ) -> None:
        self._function = function
        self._on_ready, self._on_end, self._log = on_ready, on_end, log
        self._lock = threading.Lock()
        self._mailbox: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._init_error: FunctionError | None = None
        self._ended = False
        self._doomed = False  # signalled: dead in a moment, though the system may not say so yet
        self.ready = False  # its owner says so, in `on_ready`: no call may be counted twice in between
        self._api = RuntimeApi(self._next_event, self._take)
        try:
            self.process = launch({"AWS_LAMBDA_RUNTIME_API": self._api.address})
        except BaseException:
            self._api.close()
            raise
        assert self.process.stdout is not None  # noqa: S101 - a pipe, as asked for above
        self._output = Output(self.process.stdout, log)
        self._threads = (
            self._output.thread,
            self._api.thread,
            threading.Thread(target=self._watch, daemon=True),
        )
        for thread in self._threads:
            thread.start()

    @property
    def usable(self) -> bool:
        """Whether it can still be given an event."""
        return not self._doomed and self.alive

    def run(self, payload: bytes, now: float) -> bytes:
        """The handler's answer to this event, as JSON bytes; `now` is the clock's time.

        Raises FunctionError as Lambda would, and NotDeliveredError when the process was gone already.
        """
        timeout = self._function.timeout
        invocation = _Invocation(_request_id(), payload, int((now + timeout) * 1000))
        with self._lock:
            if self._ended:
                raise NotDeliveredError
            self._current = invocation
        self._mailbox.put(invocation)
        try:
            return invocation.outcome.result(timeout)
        except TimeoutError:
            if not invocation.outcome.cancel():  # it answered in the very last moment
                return invocation.outcome.result()
        message = f"RequestId: {invocation.request_id} Error: Task timed out after {timeout:.2f} seconds"
        self._log(message)
        self.kill()
        raise FunctionError("Sandbox.Timedout", message)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended, though it may have been told to."""
        return not self._ended and self.process.poll() is None

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once; a call in flight fails."""
        self._signal(signal.SIGKILL)

    def join(self, timeout: float) -> bool:
        """Wait until the process and its threads have ended; False when `timeout` seconds did not suffice."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def settle_output(self) -> None:
        """Return when everything that the process has written so far has reached `log`."""
        self._output.settle()

    def _signal(self, number: int) -> None:
        self._doomed = True
        self.process.send_signal(number)

    def _watch(self) -> None:
        status = self.process.wait()
        self._output.thread.join(1)  # what it said last comes before the news of its end
        how = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        with self._lock:
            self._ended = True
            current = self._current
        self._mailbox.put(None)
        request_id = current.request_id if current else _request_id()
        message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        error = self._init_error or FunctionError("Runtime.ExitError", message)
        if current is not None:
            if current.delivered and not current.outcome.done():
                self._log(message)
            _settle(current, error if current.delivered else NotDeliveredError())
        self._api.close()
        self._on_end(self, error)

    # ---- what the Runtime API asks for ----

    def _next_event(self, connection: socket.socket) -> Event | None:
        if not self.ready:
            self._on_ready(self)
        invocation = self._mailbox.get()
        if invocation is None:
            return None
        try:
            if not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return None  # the process died while it waited
        except BlockingIOError:
            pass  # nothing to read: it listens
        invocation.delivered = True
        trace = (
            f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
        )
        return Event(
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
                "Lambda-Runtime-Trace-Id": trace,
            },
        )

    def _take(self, path: str, body: bytes) -> bool:
        """What the runtime posts: an answer, a handler's error, or that the module could not be loaded."""
        if path.endswith("/runtime/init/error"):
            self._init_error = _error(body)
            return True
        current = self._current
        request_id, _, kind = path.removeprefix("/2018-06-01/runtime/invocation/").partition("/")
        if current is None or request_id != current.request_id or kind not in {"response", "error"}:
            return False
        if kind == "error":
            _settle(current, _error(body))
        elif len(body) > MAX_RESPONSE_BYTES:
            message = (
                f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            )
            _settle(current, FunctionError("Function.ResponseSizeTooLarge", message))
        else:
            _settle(current, body)
        return True


def _settle(invocation: _Invocation, outcome: bytes | Exception) -> None:
    try:
        if isinstance(outcome, bytes):
            invocation.outcome.set_result(outcome)
        else:
            invocation.outcome.set_exception(outcome)
    except InvalidStateError:
        pass  # timed out, or answered before it died


def _error(body: bytes) -> FunctionError:
    try:
        report: dict[str, Any] = json.loads(body)
        return FunctionError(str(report["errorType"]), str(report["errorMessage"]))
    except (ValueError, KeyError, TypeError):
        return FunctionError("Runtime.Unknown", "the runtime reported an error that cannot be read")


def _request_id() -> str:
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
