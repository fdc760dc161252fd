"""What a function's process writes, line by line, with nothing lost when somebody asks at once."""

import select
import threading
from collections.abc import Callable
from typing import IO


class Output:
    """Reads a process's pipe in a thread of its own and gives whole lines to `log`."""

    def __init__(self, pipe: IO[bytes], log: Callable[[str], None]) -> None:
        self._pipe, self._log = pipe, log
        self._lock = threading.Lock()
        self._rest = b""
        self.thread = threading.Thread(target=self._read, daemon=True)

    def settle(self) -> None:
        """Return when everything written so far has reached `log`."""
        with self._lock:
            while self._readable(0):
                if not self._take():
                    return

    def _readable(self, timeout_ms: int | None) -> bool:
        if self._pipe.closed:
            return False
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        return bool(poll.poll(timeout_ms))

    def _take(self) -> bool:
        """One read, with the lock held; False at the end of the pipe."""
        chunk = self._pipe.read(65536)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk and self._rest:
            lines, self._rest = [self._rest], b""
        for line in lines:
            # The runtime client joins the lines of one log entry with carriage returns, as CloudWatch wants them.
            self._log(line.decode(errors="replace").replace("\r", "\n"))
        return bool(chunk)

    def _read(self) -> None:
        more = True
        while more:
            self._readable(None)
            with self._lock:
                # settle may have taken meanwhile what was seen here: never block while holding the lock.
                if self._readable(0):
                    more = self._take()
        with self._lock:
            self._pipe.close()
