"""What README.md opens with is there and true: pictures of a size that loads, and what the demo tells."""

import io
import re

import pytest

from sandbox.commands.walk import Walk
from tests.documents.blocks import BLOCKS, ROOT
from tests.kit.running import Running

PICTURES = ROOT / "docs" / "pictures"
SHOWN = {
    name: re.findall(r'<img src="([^"]+)"', (ROOT / name).read_text())
    for name in ("README.md", "README.zh-CN.md")
}
IN_DOCUMENTS = {
    f"docs/{path}"
    for document in (ROOT / "docs").glob("*.md")
    for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", document.read_text())
}
LARGEST_BYTES = 200_000


@pytest.mark.parametrize("document", SHOWN)
def test_a_readme_shows_the_checkout_on_a_desktop_and_on_a_phone(document: str) -> None:
    assert [re.findall("desktop|phone", path) for path in SHOWN[document]] == [["desktop"], ["phone"]]


def test_each_picture_is_shown_and_soon_loaded() -> None:
    files = sorted(PICTURES.iterdir())
    in_readmes = [path for paths in SHOWN.values() for path in paths]
    assert [str(file.relative_to(ROOT)) for file in files] == sorted([*in_readmes, *IN_DOCUMENTS])
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG\r\n"), file.name
        assert file.stat().st_size < LARGEST_BYTES, file.name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


def test_the_demo_tells_what_the_readme_shows_of_it() -> None:
    (transcript,) = [block for block in BLOCKS if block.begins("README.md", "1. The shop quotes")]
    told = io.StringIO()
    with Running(schedules=False) as sandbox:
        Walk(sandbox, told).run()
    lines = iter(told.getvalue().splitlines())
    for line in transcript.text.splitlines():
        wanted = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(wanted.fullmatch(each) for each in lines), line
