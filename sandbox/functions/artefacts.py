"""Functions run from what `make build` made instead of the source tree, under the Python that they have in the cloud."""

import subprocess
from dataclasses import replace
from pathlib import Path

from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function

_PACKAGES = """
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) for name in ("botocore", "cryptography", "payments")))
"""


class Artefacts:
    """What lies in .aws-sam after a build: `build`, `trial` (the dependencies layer for this machine), and which Python.

    Raises TemplateError when there is none, or when that Python has packages of its own, which would hide a missing one.
    """

    def __init__(self, folder: Path) -> None:
        self._build, trial = (folder / "build").resolve(), (folder / "trial").resolve()
        # One after the other, where Lambda lays the layers over each other.
        self._layers = (
            trial / "python",
            *(self._build / f"{name}Layer/python" for name in ("Wechatpay", "Payments")),
        )
        if not all(layer.is_dir() for layer in self._layers) or not (folder / "python").exists():
            raise TemplateError(f"nothing is built in {folder}: `make build` comes first")
        self.python = (folder / "python").read_text().strip()
        if subprocess.run([self.python, "-c", _PACKAGES], check=False).returncode != 0:
            raise TemplateError(f"{self.python} has packages of its own")

    def of(self, function: Function) -> Function:
        """The same function, from its artefact. Raises TemplateError."""
        code = self._build / function.logical_id
        if not code.is_dir():
            raise TemplateError(f"{function.logical_id} is not built: `make build` comes first")
        return replace(function, code=code, layers=self._layers)
