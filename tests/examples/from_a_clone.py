"""Somebody with the documents, an empty folder and two terminals: clones, starts the sandbox and each shop, buys, pays, hears of it, refunds.

`python -m tests.examples.from_a_clone` prints how long each part took. The commands are those of docs/getting-started.md and
examples/README.md, as they stand there, but for the ports, which others may have. What packages it takes, it asks the registries for.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.documents.blocks import BLOCKS, ROOT
from tests.examples.walk import Walk, free_port, http

README = (ROOT / "examples/README.md").read_text()
SETUP_SECONDS = 900  # a registry may be slow


@dataclass(frozen=True)
class Documented:
    """What examples/README.md says of one shop: its port, and the lines of its terminal."""

    name: str
    port: str
    lines: str


def documented() -> list[Documented]:
    """Of each shop, in the document's order."""
    found = []
    for block in _blocks("examples/README.md"):
        if shop := re.search(r"cd examples/([\w-]+) &&", block):
            before = README[: README.index(block)]
            port = re.findall(r"at http://localhost:(\d+)", before)[-1]
            found.append(Documented(shop[1], port, block))
    return found


def first_terminal() -> tuple[str, str]:
    """The line that makes the secret, and the one that starts the sandbox."""
    (block,) = (block for block in _blocks("examples/README.md") if block.startswith("export WEBHOOK_SECRET"))
    secret, sandbox = block.splitlines()
    return secret, sandbox


def cloning() -> str:
    """The line that makes a clone and goes into it, and its name for the repository."""
    (block,) = (block for block in _blocks("docs/getting-started.md") if block.startswith("git clone"))
    return block.splitlines()[0]


def _blocks(document: str) -> list[str]:
    return [block.text for block in BLOCKS if block.document == document]


class Terminal:
    """A shell of somebody who has only logged in: nothing of the environment that this program runs in."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        mine = ("PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "THOROUGH", "PYTEST", "PORT")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        here = str(Path(sys.prefix) / "bin")
        paths = [path for path in os.environ["PATH"].split(os.pathsep) if path != here]
        self.environment |= {"PATH": os.pathsep.join(paths), "NO_PROXY": "127.0.0.1,localhost", **variables}

    def run(self, lines: str) -> str:
        """What they print; each must succeed."""
        done = subprocess.run(
            ["bash", "-ec", lines],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SETUP_SECONDS,
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, lines: str, ready: Callable[[], Any]) -> Iterator[Any]:
        """They run until the block ends; what `ready` gives, once that is true."""
        log = self.folder.parent / f"{time.monotonic_ns()}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-ec", lines],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield self._once(ready, process)
            except BaseException:
                print(lines, log.read_text()[-4000:], sep="\n", file=sys.stderr)
                raise
            finally:
                _interrupt(process)

    @staticmethod
    def _once(ready: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
        end = time.monotonic() + SETUP_SECONDS
        while time.monotonic() < end:
            assert process.poll() is None, "it has ended"
            try:
                if found := ready():
                    return found
            except OSError:  # nobody listens yet
                pass
            time.sleep(0.1)
        raise AssertionError("it is not ready")


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, which reaches all that the terminal has started; after a while, harder."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=30)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


class Stranger:
    """Their folder, their clone in it, and a clock."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder, self._tell = folder, tell
        self._began = self._last = time.monotonic()

    def told(self, what: str) -> None:
        """Say what was done since the last time, and how long it took."""
        now = time.monotonic()
        self._tell(f"{what}: {now - self._last:.1f} s")
        self._last = now

    def run(self) -> None:
        """All of it; AssertionError where something is other than the documents say."""
        Terminal(self._folder).run(cloning().replace("<this repository>", f"'{ROOT}'"))
        (clone,) = (path for path in self._folder.iterdir() if path.is_dir())
        self.told("cloned")
        for shop in documented():
            self._sells(shop, clone)
        self._tell(f"from an empty folder to {len(documented())} shops: {self._last - self._began:.1f} s")

    def _sells(self, shop: Documented, clone: Path) -> None:
        walk = Walk(shop.name, self._folder, self._tell)
        api = free_port()
        make_secret, sandbox = first_terminal()
        secret = Terminal(clone).run(f"{make_secret}\necho $WEBHOOK_SECRET").strip()
        first = Terminal(clone, WEBHOOK_SECRET=secret, PORT=str(api))
        walk.api = f"http://127.0.0.1:{api}"
        start = re.sub(r"localhost:\d+", f"localhost:{walk.port}", sandbox)
        with first.running(start, lambda: http.get(f"{walk.api}/_sandbox/info", timeout=5).json()) as info:
            walk.simulator = info["simulator"]
            self.told(f"{shop.name}: the sandbox is up")
            second = Terminal(clone, WEBHOOK_SECRET=secret, SHOP=walk.shop, PORT=str(walk.port))
            lines = shop.lines.replace("127.0.0.1:8000", f"127.0.0.1:{api}")
            lines = lines.replace(f"--port {shop.port}", f"--port {walk.port}")
            with second.running(lines, lambda: http.get(walk.shop, timeout=5).status_code):
                self.told(f"{shop.name}: the shop is installed and up")
                walk.sold()
                self._last = time.monotonic()  # the walk has told its own


def main() -> None:
    """In a folder that is there for this alone."""
    with TemporaryDirectory() as folder:
        Stranger(Path(folder), lambda line: print(line, flush=True)).run()


if __name__ == "__main__":
    main()
