"""What calls a function by itself, whatever makes it: a thread of its own that waits, and can be ended and waited for."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable


class Trigger(ABC):
    """Runs `_run` in a thread of its own until it is stopped. What its threads share is guarded by `_state`."""

    def __init__(self, name: str) -> None:
        self._state = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.invocations = 0
        """How often the function was invoked; where it gets batches, with how many."""

    def start(self) -> None:
        """Begin. Raises RuntimeError when called twice."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the invocations under way, if any, and end; waits 20 seconds at most."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    @abstractmethod
    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until nothing is to be delivered now and no invocation under way."""

    @abstractmethod
    def _run(self) -> None:
        """The thread: returns soon after `_stopping` is set."""

    def _wake(self) -> None:
        """Have whoever waits look again."""
        with self._state:
            self._state.notify_all()

    def _wait_until(self, reached: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until that is so, or somebody stops this, or for `timeout` seconds; whether it is so."""
        with self._state:
            self._state.wait_for(lambda: reached() or self._stopping.is_set(), timeout)
            return reached()
