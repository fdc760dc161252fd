"""Until somebody says that it is over: SIGTERM, or SIGINT (Ctrl-C); on Windows Ctrl-Break, too."""

import atexit
import signal
import socket
import sys

# Not an Event, nor any lock: a signal that comes just as the wait begins would be waited for in vain. A byte in a pipe stays
# (Python library reference, signal: set_wakeup_fd). A pair of sockets is the pipe that Windows has, too.
_reading, _writing = socket.socketpair()
_writing.setblocking(False)

_ENDING = [signal.SIGTERM, signal.SIGINT]
if sys.platform == "win32":  # where whoever starts a program can send it this one, and no SIGTERM
    _ENDING.append(signal.SIGBREAK)


def listen(*numbers: signal.Signals) -> None:
    """Understand these signals from now on, or all of those; main thread only."""
    signal.set_wakeup_fd(_writing.fileno(), warn_on_full_buffer=False)
    atexit.register(
        signal.set_wakeup_fd, -1
    )  # before the pair is closed: what was registered last is called first
    for number in numbers or _ENDING:
        signal.signal(number, lambda *_: None)


def until_told_to_stop() -> None:
    """Return at the first signal since `listen`."""
    _reading.recv(1)


@atexit.register
def _closed() -> None:
    _reading.close()
    _writing.close()
