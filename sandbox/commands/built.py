"""Checks what `make build` made: architecture, compiled modules, size, and that every function imports from it alone."""

import argparse
import io
import subprocess
import sys
import zipfile
from pathlib import Path

AARCH64 = 183  # e_machine of the ELF header
MAX_ZIPPED = 15 * 1024 * 1024  # bytes, of all layers and the largest function together

_IMPORT = """
import importlib, sys
sys.path[:0] = sys.argv[1:]
importlib.import_module("app").lambda_handler
for later in ("wechatpay.client", "payments.api.qr", "payments.storage.payments"):  # by a function that starts in Lambda
    importlib.import_module(later)
outside = sorted(
    name for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "")
)
sys.exit(f"imports from outside the artefacts: {outside}" if outside else 0)
"""


class UnfitError(Exception):
    """What was built must not be deployed; the sentence says why."""


def main() -> int:
    """Print one line per finding; 1 when something is unfit."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.commands.built", description=__doc__)
    parser.add_argument("build", type=Path, help=".aws-sam/build")
    parser.add_argument("--trial", type=Path, required=True, help="the dependencies layer for this machine")
    parser.add_argument("--python", required=True, help="a python3.13")
    wanted = parser.parse_args()
    try:
        check(wanted.build, trial=wanted.trial, python=wanted.python)
    except UnfitError as problem:
        print(f"build: unfit: {problem}", file=sys.stderr)
        return 1
    return 0


def check(build: Path, *, trial: Path, python: str) -> None:
    """Check the artefacts in `build`. Raises UnfitError."""
    functions = sorted(folder for folder in build.iterdir() if folder.name.endswith("Function"))
    layers = sorted(folder for folder in build.iterdir() if folder.name.endswith("Layer"))
    if not functions or not layers:
        raise UnfitError(f"no functions or layers in {build}")
    libraries = [file for layer in layers for file in layer.rglob("*.so")]
    for library in libraries:
        if (machine := _machine(library)) != AARCH64:
            raise UnfitError(f"{library.name} is for machine {machine}, not for arm64")
    print(f"build: {len(libraries)} native libraries, all for arm64")
    for folder in [*functions, *layers]:
        bare = [file for file in folder.rglob("*.py") if not _compiled(file).exists()]
        if bare:
            raise UnfitError(f"{folder.name}: {len(bare)} modules have no .pyc, {bare[0].name} among them")
    largest = max(_zipped(folder) for folder in functions)
    total = sum(_zipped(layer) for layer in layers) + largest
    print(f"build: layers and the largest function are {total / 1024 / 1024:.1f} MB zipped")
    if total > MAX_ZIPPED:
        raise UnfitError(f"that is over {MAX_ZIPPED // 1024 // 1024} MB")
    ours = [layer / "python" for layer in layers if layer.name != "DependenciesLayer"]
    for folder in functions:
        path = [str(part) for part in (folder, *ours, trial / "python")]
        tried = subprocess.run(
            [python, "-I", "-S", "-c", _IMPORT, *path], capture_output=True, text=True, check=False
        )
        if tried.returncode != 0:
            raise UnfitError(f"{folder.name} does not import: {tried.stderr.strip()[-500:]}")
        if tried.stderr:
            raise UnfitError(f"{folder.name} says while it is imported: {tried.stderr.strip()[-500:]}")
    print(f"build: {len(functions)} functions import from the artefacts alone")


def _machine(library: Path) -> int:
    header = library.read_bytes()[:20]
    return int.from_bytes(header[18:20], "little") if header[:4] == b"\x7fELF" else 0


def _compiled(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"


def _zipped(folder: Path) -> int:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for item in sorted(folder.rglob("*")):
            if item.is_file():
                file.write(item, item.relative_to(folder))
    return archive.tell()


if __name__ == "__main__":
    sys.exit(main())
