"""Which tests reach a change: every test is run once over a product that tells of each statement that it comes to."""

import ast
import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from tests.resilience.mutants.planting import Mutant, named

ROOT = Path(__file__).parents[3]
PRODUCT = (f"{ROOT}/layers/", f"{ROOT}/functions/")
Seen = dict[str, tuple[float, frozenset[tuple[str, int]]]]  # a test's seconds, and the lines that it reaches


@dataclass
class Tests:
    """What each test takes and executes, by its name; and which has noticed most."""

    seen: Seen
    caught: dict[Path, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that execute the changed lines, those first that are quick to notice."""
        caught = self.caught[mutant.path]
        lines = {(str(mutant.path), line) for line in mutant.lines} if mutant.function else users(mutant)
        named_in = set() if mutant.function else mentions(mutant.names[-1:])
        names = [
            name for name, (_, run) in self.seen.items() if run & lines or name.partition("::")[0] in named_in
        ]
        return sorted(names, key=lambda name: (-caught[name], self.seen[name][0]))


def users(mutant: Mutant) -> set[tuple[str, int]]:
    """The statements of the product that work with what a module or class names so, or with what is made of that."""
    found: set[tuple[str, int]] = set()
    names, known = set(mutant.names), set[str]()
    while names - known:
        known |= names
        for path, within, statement, used in statements():
            if known & used:
                found.add((path, statement.lineno))
                if not within:
                    names |= set(named(statement))
    return found


@cache
def mentions(names: tuple[str, ...]) -> frozenset[str]:
    """The files of tests that name one of these themselves."""
    word = re.compile(rf"\b({'|'.join(names)})\b") if names else re.compile("(?!)")
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(str(file.relative_to(ROOT)) for file in files if word.search(file.read_text()))


@cache
def statements() -> list[tuple[str, bool, ast.stmt, frozenset[str]]]:
    """Every statement of the product: its file, whether in a function, and the names in it, but not in what it encloses."""
    found = []

    def walk(path: str, node: ast.AST, *, within: bool) -> frozenset[str]:
        used: set[str] = set()
        for child in ast.iter_child_nodes(node):
            inside = walk(path, child, within=within or isinstance(node, ast.FunctionDef))
            if isinstance(child, ast.stmt):
                found.append((path, within or isinstance(node, ast.FunctionDef), child, inside))
            else:
                used |= inside
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            used.add(node.id if isinstance(node, ast.Name) else node.attr)
        return frozenset(used)

    for path in (*ROOT.glob("layers/*/*/**/*.py"), *ROOT.glob("functions/*/app.py")):
        walk(str(path), ast.parse(path.read_bytes()), within=False)
    return found


def files_of(folder: str) -> list[str]:
    """The files of tests in a folder, or the one file, by their names from the root."""
    found = [ROOT / folder] if folder.endswith(".py") else sorted((ROOT / folder).rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in found]


def state(file: str) -> str:
    """What changes when a file of tests, or the product, or what such tests share, does."""
    shared = (
        *ROOT.glob("layers/*/*/**/*.py"),
        *ROOT.glob("functions/*/app.py"),
        *(ROOT / file).parent.glob("*.py"),
        *ROOT.glob("tests/kit/*.py"),
    )
    said = hashlib.sha256()
    for path in (*sorted(shared), ROOT / file):
        said.update(path.read_bytes())
    return said.hexdigest()


class _Marked(ast.NodeTransformer):
    """Has every statement within a function say that it is reached."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._within = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._within += 1
        self.generic_visit(node)
        self._within -= 1
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for part in ("body", "orelse", "finalbody") if self._within else ():
            statements = getattr(node, part, None)
            if isinstance(statements, list):
                setattr(node, part, [each for one in statements for each in (self._mark(one), one)])
        return node

    def _mark(self, statement: ast.stmt) -> ast.stmt:
        place: Any = (self._path, statement.lineno)  # is only compiled
        mark = ast.Call(ast.Name("__reached__", ast.Load()), [ast.Constant(place)], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(mark), statement))


def marked(path: str) -> CodeType | None:
    """The module of the product that tells which of its lines are reached; None for any other."""
    if not path.startswith(PRODUCT):
        return None
    tree = _Marked(path).visit(ast.parse(Path(path).read_bytes()))
    return compile(tree, path, "exec", dont_inherit=True)
