"""What a deployed function finds on its path: the packages of its requirements and nothing else, compiled, models pruned."""

import compileall
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

# Lambda's own client, in every variant; there is none off Linux, and then no cold start.
RUNTIME = ("awslambdaric",) if sys.platform == "linux" else ()


class MissingPackageError(Exception):
    """A variant needs a package that the environment does not have."""


class Packages:
    """The packages installed in one site-packages folder."""

    def __init__(self, site: Path) -> None:
        self.site = site.resolve()
        self._found = {_name(found.name): found for found in distributions(path=[str(self.site)])}

    def closure(self, wanted: Iterable[str]) -> set[str]:
        """These and all that they need. Raises MissingPackageError for one of `wanted` that is not there."""
        named = {_name(name) for name in wanted}
        if missing := sorted(named - self._found.keys()):
            raise MissingPackageError(f"not installed in {self.site}: {', '.join(missing)}")
        taken: set[str] = set()
        while named:
            name = named.pop()
            taken.add(name)
            named |= {need for need in _needs(self._found[name]) if need in self._found} - taken
        return taken

    def lay_out(self, wanted: Iterable[str], folder: Path, build: Path, *, usual: bool = False) -> None:
        """A folder with links to these packages; of botocore a copy with the data that the build in `build` keeps.

        `usual` leaves out the models of services that nobody calls, and no more.
        """
        folder.mkdir(parents=True)
        for name in wanted:
            found = self._found.get(_name(name))
            if found is None:
                raise MissingPackageError(f"not installed in {self.site}: {name}")
            for top in {
                file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")
            }:
                if top == "botocore":
                    _pruned(self.site / top, folder / top, build, usual=usual)
                elif top != "bin":
                    (folder / top).symlink_to(self.site / top)


def required(requirements: Path) -> list[str]:
    """The names in a compiled requirements file that are for this machine."""
    names = []
    for line in requirements.read_text(encoding="utf-8").splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)==", line)
        if found and "win32" not in line:
            names.append(found[1])
    return names


def compiled(folder: Path) -> None:
    """Write .pyc that nobody compares with their source, as the build does."""
    mode = (
        compileall.PycInvalidationMode.UNCHECKED_HASH if hasattr(compileall, "PycInvalidationMode") else None
    )
    compileall.compile_dir(folder, quiet=2, invalidation_mode=mode)


def bare_python(folder: Path, python: str) -> str:
    """An interpreter that has no packages at all, made in `folder`."""
    subprocess.run(
        [python, "-m", "venv", "--without-pip", str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return str(folder / "bin" / "python")


def site_packages(environment: Path | None) -> Path:
    """Of a virtual environment, or of the one that runs this."""
    prefix = environment or Path(sys.prefix)
    return next(iter(sorted(prefix.glob("lib/python3*/site-packages"))))


def _pruned(source: Path, target: Path, build: Path, *, usual: bool) -> None:
    kept = re.search(r"^MODELS := (.+)$", (build / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    if kept is None:
        raise MissingPackageError(f"{build / 'Makefile'} does not say which MODELS it keeps")
    services = set(kept[1].split())

    def others(folder: str, names: list[str]) -> set[str]:
        if Path(folder) != source / "data":
            return set()
        return {name for name in names if Path(folder, name).is_dir()} - services

    shutil.copytree(source, target, ignore=others)
    if (build / "prune.py").exists() and not usual:
        subprocess.run(
            [sys.executable, str(build / "prune.py"), str(target / "data"), *sorted(services)], check=True
        )


def _needs(found: Distribution) -> Iterator[str]:
    for requirement in found.requires or ():
        if "extra ==" not in requirement and "win32" not in requirement:
            yield _name(re.split(r"[ ;<>=!~\[(]", requirement, maxsplit=1)[0])


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
