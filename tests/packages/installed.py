"""A wheel in an empty environment, used from a folder outside of this repository."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.clients.building import run

_NOT_INHERITED = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Installed:
    """A wheel, the environment that has it and what it needs, and a folder to work in."""

    wheel: Path
    home: Path
    folder: Path

    @classmethod
    def of(cls, wheel: Path, folder: Path) -> Self:
        """Made by pip, which asks the package index for what the wheel needs, and for nothing else."""
        home, work = folder / "venv", folder / "work"
        work.mkdir()
        run([sys.executable, "-m", "venv", home], folder)
        pip = [home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, wheel], folder)
        return cls(wheel, home, work)

    @property
    def environment(self) -> dict[str, str]:
        """Of a program that knows nothing of this repository."""
        return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.home / "bin/python"

    def script(self, name: str) -> str:
        """A console script's path."""
        return str(self.home / "bin" / name)

    def files(self) -> dict[str, bytes]:
        """All that is in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def metadata(self) -> str:
        """The wheel's METADATA: its headers, then its README."""
        (name,) = (name for name in self.files() if name.endswith(".dist-info/METADATA"))
        return self.files()[name].decode()

    def run(self, *words: object, status: int = 0) -> str:
        """What a command prints, in the folder; it must end with this status."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
