"""Until somebody says that it is over: SIGTERM, or SIGINT (Ctrl-C)."""

import signal
import socket

# Not an Event, nor any lock: a signal that comes just as the wait begins would be waited for in vain. A byte in a pipe stays
# (Python library reference, signal: set_wakeup_fd). A pair of sockets is the pipe that Windows has, too.
_reading, _writing = socket.socketpair()
_writing.setblocking(False)


def listen(*numbers: signal.Signals) -> None:
    """Understand these signals from now on, or those two; main thread only."""
    signal.set_wakeup_fd(_writing.fileno(), warn_on_full_buffer=False)
    for number in numbers or (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def until_told_to_stop() -> None:
    """Return at the first signal since `listen`."""
    _reading.recv(1)
