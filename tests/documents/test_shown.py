"""A block that a document shows of an example is that file, or the region of it that is marked so, letter by letter."""

import re
import textwrap
from pathlib import Path

import pytest

from tests.documents.blocks import BLOCKS, ROOT, Block

SHOWN = [block for block in BLOCKS if block.shown]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("simulator-*/*.*") if path.is_file())
REGION = re.compile(
    r"^[ \t]*(?:#|//) region (\w+)\n(.*?)^[ \t]*(?:#|//) endregion$", re.MULTILINE | re.DOTALL
)


def regions(file: Path) -> dict[str, str]:
    """By their names, without the indentation that all of their lines have and without empty lines around."""
    found = REGION.findall(file.read_text("utf-8"))
    assert len(found) == len(dict(found)), f"{file}: a name stands twice"
    return {name: textwrap.dedent(text).strip("\n") + "\n" for name, text in found}


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_what_is_shown_is_what_stands_in_the_file(block: Block) -> None:
    name, _, region = block.shown.partition("#")
    file = ROOT / name
    assert block.text == (regions(file)[region] if region else file.read_text("utf-8"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_each_marked_region_is_shown(file: Path) -> None:
    named = {block.shown.partition("#")[2] for block in SHOWN if ROOT / block.shown.partition("#")[0] == file}
    assert set(regions(file)) == named
    assert len(re.findall(r"^\s*(?:#|//) (?:end)?region", file.read_text("utf-8"), re.MULTILINE)) == 2 * len(
        named
    )


def test_each_language_shows_something() -> None:
    assert {Path(block.document).stem for block in SHOWN} == {"python", "node", "go", "java", "php"}
