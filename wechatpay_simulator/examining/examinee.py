"""The examinee as a program: started before the exam, waited for, and ended after it."""

import contextlib
import socket
import ssl
import tempfile
import time
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

from wechatpay_simulator.examining.carrier import listens
from wechatpay_simulator.examining.process import end, last_lines, start
from wechatpay_simulator.examining.row import ExamError
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS, tell

START_SECONDS = 60.0
_LINES = 20  # of its output that are shown when it dies
_PAUSE_SECONDS = 0.05
_STARTING = (502, 503)  # of an application that is loading, and of a proxy whose application is


class Examinee:
    """What `--run` has started, or, without it, what listens already."""

    def __init__(self, process: Popen[bytes] | None = None, output: Path | None = None) -> None:
        self._process = process
        self._output = output

    def last_words(self) -> str:
        """How it ended and what it last wrote, as the end of a sentence; nothing of one that nobody here has started."""
        if self._process is None or self._output is None:
            return ""
        status = self._process.poll()
        how = "" if status is None else f"; --run has ended with exit status {status}"
        with self._output.open("rb") as output:
            lines = last_lines(output, _LINES)
        return how + "".join(f"\n  | {line}" for line in lines)


@contextlib.contextmanager
def examinee(
    command: str | None,
    url: str,
    environment: Mapping[str, str],
    *,
    others: Container[str] = (),
    patience: float = START_SECONDS,
) -> Iterator[Examinee]:
    """Start it by `command` and wait until it answers at `url`; end it, and what it started, with the block.

    The host of `url` is this machine or one of `others`. Without a command somebody must listen there already. Raises ExamError.
    """
    if command is None:
        if not listens(url):
            raise ExamError(
                f"nobody listens at {url}: start the backend, or have --run start it (it is told its addresses so)"
            )
        _check_certificate(url)
        yield Examinee()
        return
    if listens(url):
        raise ExamError(f"somebody listens at {url} already: --run would start a second one")
    with tempfile.TemporaryDirectory(prefix="wechatpay-exam-", ignore_cleanup_errors=True) as folder:
        written = Path(folder) / "output.log"
        with written.open("ab") as output:
            process = start(command, environment, out=output, err=output)
        try:
            found = Examinee(process, written)
            _wait(process, url, patience, found, others)
            _check_certificate(url)
            yield found
            if process.poll() not in (None, 0):
                raise ExamError(
                    f"--run did not live as long as the exam, and somebody listens at {url}: perhaps it is another backend that "
                    f"was examined{found.last_words()}"
                )
        finally:
            end(process)


def _wait(process: Popen[bytes], url: str, patience: float, found: Examinee, others: Container[str]) -> None:
    due = time.monotonic() + patience
    while not listens(url):
        # One that ends well may have left another in the background.
        if process.poll() not in (None, 0):
            raise ExamError(f"--run did not come to listen at {url}{found.last_words()}")
        if time.monotonic() > due:
            raise ExamError(f"--run does not listen at {url} after {patience:.0f} s{found.last_words()}")
        time.sleep(_PAUSE_SECONDS)
    # Its 503 would pass for the refusal of a forgery. Who says so for ever is examined all the same.
    while time.monotonic() < due and tell(url, {}, b"", others=others).status in _STARTING:
        time.sleep(_PAUSE_SECONDS)


def _check_certificate(url: str) -> None:
    """Raises ExamError for one that no notification would be sent to: every row would miss its answer."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return
    host, context = str(parts.hostname), ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout=ANSWER_TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            pass
    except ssl.SSLCertVerificationError as problem:
        raise ExamError(
            f"the certificate at {url} is not trusted here ({problem.verify_message}): SSL_CERT_FILE names a file of those that "
            "are, or examine it by http"
        ) from None
    except OSError:
        pass  # the rows will say
