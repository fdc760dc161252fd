"""Each shop of examples/ does what examples/README.md says, and is short enough to be read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.walk import EXAMPLES, OTHERS, SHOPS, Walk
from tests.kit.parameters import ROOT

CODE = {".py", ".js", ".html", ".wxml"}
MOST_LINES = 200


@pytest.mark.parametrize("name", SHOPS)
def test_a_shop_sells_is_paid_hears_and_refunds(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    Walk(name, tmp_path, told.append).run()
    with capsys.disabled():  # how long it took is what somebody runs this for
        print("", *told, sep="\n")


@pytest.mark.parametrize("name", SHOPS)
def test_a_shop_has_fewer_than_two_hundred_lines(name: str) -> None:
    files = [
        file
        for file in (EXAMPLES / name).rglob("*")
        if file.suffix in CODE and "node_modules" not in file.parts
    ]
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert files
    assert len(lines) < MOST_LINES


def test_the_document_names_each_shop_and_no_other() -> None:
    text = (EXAMPLES / "README.md").read_text()
    linked = set(re.findall(r"\]\(([^)#]+)", text))
    folders = {path.partition("/")[0] for path in linked if "/" in path}
    assert {folder for folder in folders if not folder.startswith(OTHERS)} == {*SHOPS}
    assert [path for path in linked if not (EXAMPLES / path).exists()] == []


def test_the_mini_programs_files_are_those_that_it_names() -> None:
    folder = EXAMPLES / "mini-program"
    root = folder / json.loads((folder / "project.config.json").read_text())["miniprogramRoot"]
    for page in json.loads((root / "app.json").read_text())["pages"]:
        assert {file.suffix for file in root.glob(f"{page}.*")} == {".js", ".json", ".wxml"}
    shown = (root / "pages/shop/shop.wxml").read_text()
    script = (root / "pages/shop/shop.js").read_text()
    for handler in re.findall(r'bind\w+="(\w+)"', shown):
        assert f"async {handler}(" in script


def test_a_strict_mypy_takes_the_examples_in_python() -> None:
    modules = ("shop-flask/shop.py", "mini-program/backend.py", "exam-flask/right.py", "exam-flask/naive.py")
    for module in modules:
        words = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", f"examples/{module}"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout
