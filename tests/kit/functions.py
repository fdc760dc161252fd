"""The modules of functions/, loaded as a cold start would load them."""

import importlib.util
from types import ModuleType

from tests.kit.parameters import ROOT


def function(name: str) -> ModuleType:
    """The module of functions/<name>, afresh."""
    spec = importlib.util.spec_from_file_location(f"{name}_app", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
