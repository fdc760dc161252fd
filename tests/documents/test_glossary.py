"""docs/glossary.md says what every public name of use cases and storage is, and names none that is gone."""

import ast
import re
from collections.abc import Iterator

from tests.documents.blocks import ROOT

ROOMS = ("use_cases", "storage")
NOT_WORDS = {"log"}  # and what has one letter, type variables and short names of tables


def names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from (
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef) and not node.name.startswith("_")
            )
        elif isinstance(node, ast.Assign):
            yield from (
                each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)
            )
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target)


def public_names(room: str) -> set[str]:
    found = {
        name
        for path in (ROOT / "layers/payments/payments" / room).rglob("*.py")
        for name in names(ast.parse(path.read_text()))
    }
    return {name for name in found - NOT_WORDS if len(name) > 1 and not re.search(r"(^|\.)_", name)}


def rows(room: str) -> set[str]:
    """What the first column of the room's table names."""
    (section,) = re.findall(rf"^## Names of `{room}/`\n(.*?)(?=^## |\Z)", GLOSSARY, re.DOTALL | re.MULTILINE)
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([\w.]+)`", cell)}


GLOSSARY = (ROOT / "docs/glossary.md").read_text()


def test_every_public_name_is_in_the_glossary() -> None:
    assert {room: public_names(room) - rows(room) for room in ROOMS} == {room: set() for room in ROOMS}


def test_the_glossary_names_nothing_that_is_gone() -> None:
    assert {room: rows(room) - public_names(room) for room in ROOMS} == {room: set() for room in ROOMS}
