"""The programs of docs/simulator/, one page for each language: the folder and the commands that the page shows, run as they stand there."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.documents.blocks import BLOCKS, ROOT
from tests.kit.keys import merchant_file
from tests.kit.npm import installed

INSTALLS = ("pip install ", "npm install")  # what these bring is in this environment, or in .sandbox

CREDENTIALS = "WECHATPAY_CREDENTIALS=../../credentials.json"  # here: another file


@dataclass(frozen=True)
class Shown:
    """One block of commands: where the program is, what makes it ready, and how it is run."""

    page: str
    folder: str
    ready: tuple[str, ...]
    command: str

    def __str__(self) -> str:
        return f"{self.folder.removeprefix('simulator-')}-{self.command.split()[-1]}"

    @property
    def toolchain(self) -> str:
        """The program that runs it."""
        return self.command.split()[0]

    def missing(self) -> str:
        """Why it cannot be run here, or ""."""
        if shutil.which(self.toolchain, path=_path()) is None:
            return f"needs {self.toolchain}"
        for line in self.ready:
            if shutil.which(line.split()[0]) is None:
                return f"needs {line.split()[0]}"
        if self.toolchain == "php":
            has = ["php", "-r", 'exit(extension_loaded("curl") && extension_loaded("openssl") ? 0 : 1);']
            if subprocess.run(has, check=False).returncode:
                return "needs PHP's curl and openssl"
        return ""

    def copied(self, place: Path, *, old: str = "", new: str = "") -> Path:
        """Its folder, made ready within `place`; with the one place in it changed that reads `old`."""
        folder = place / self.folder
        shutil.copytree(ROOT / "examples" / self.folder, folder)
        if old:
            (file,) = (file for file in folder.iterdir() if file.is_file() and old in file.read_text("utf-8"))
            text = file.read_text("utf-8")
            assert text.count(old) == 1, (file, old)
            file.write_text(text.replace(old, new), "utf-8")
        for line in self.ready:
            subprocess.run(["bash", "-ec", line], cwd=folder, check=True, timeout=120)
        return folder

    def started(self, folder: Path, url: str) -> subprocess.Popen[str]:
        """The program, on its way, against the simulator at `url`."""
        return subprocess.Popen(
            shlex.split(self.command),
            cwd=folder,
            env=os.environ | self._environment() | {"WECHATPAY_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def _environment(self) -> dict[str, str]:
        mine = {"WECHATPAY_CREDENTIALS": str(merchant_file()), "PATH": _path(), "NO_PROXY": "127.0.0.1"}
        if self.toolchain == "node":
            package = ROOT / "examples" / self.folder / "package.json"
            mine["NODE_PATH"] = str(installed(package, self.folder))
        return mine


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _shown(page: str, text: str) -> Shown:
    first, *lines = text.splitlines()
    _, folder = first.split("cd examples/")
    *ready, last = [line for line in lines if not line.startswith(INSTALLS)]
    _, command = last.split(f"{CREDENTIALS} ")
    return Shown(page, folder, tuple(ready), command)


PROGRAMS = [
    _shown(block.document, block.text)
    for block in BLOCKS
    if block.document.startswith("docs/simulator/") and block.language == "sh"
]
