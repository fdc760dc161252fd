"""What is deployed of ours, as syntax trees: the functions, the layers, and who imports what."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("functions", "layers/payments/payments", "layers/wechatpay/wechatpay")
FIRST_PARTY = {"payments", "wechatpay"}


@cache
def modules() -> dict[str, ast.Module]:
    """Path below the root → syntax tree, of every deployed module of ours."""
    found = {
        str(file.relative_to(ROOT)): ast.parse(file.read_text())
        for folder in OURS
        for file in sorted((ROOT / folder).rglob("*.py"))
    }
    assert len(found) > 40
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of the modules that a tree imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with what is called, as it is written: `self._session.request`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node
