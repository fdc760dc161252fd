"""docs/getting-started.md and getting-started.zh-CN.md: their commands, word for word and in order, in one shell, against `python -m sandbox`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents.blocks import BLOCKS, ROOT
from tests.kit.program import Program

PAGES = ["docs/getting-started.md", "docs/getting-started.zh-CN.md"]


def commands(page: str) -> list[str]:
    return [block.text for block in BLOCKS if block.document == page and block.language == "sh"]


@pytest.fixture
def sandbox(tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]) -> Iterator[str]:
    """The address of one that somebody started as the page says, but for its port."""
    ready = tmp_path / "ready.json"
    with Program(
        [sys.executable, "-m", "sandbox", "--port", "0", "--ready-file", str(ready)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "Ctrl-C" not in (line := process.stdout.readline()):
            assert line
        eventually(ready.exists)
        yield str(json.loads(ready.read_text())["api"])
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.share(1)
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("page", PAGES)
def test_who_does_what_the_page_says_has_an_order_paid_heard_of_and_refunded(
    page: str, sandbox: str, tmp_path: Path
) -> None:
    script = "\n".join(commands(page))
    assert "API=http://127.0.0.1:8000\n" in script
    done = subprocess.run(
        ["bash", "-ec", script.replace("http://127.0.0.1:8000", sandbox, 1)],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"order WX[A-Z2-7]{{26}}, pay at {sandbox}/checkout/\S+\n", done.stdout)
    assert "the order is paid\n" in done.stdout
    assert "'outTradeNo': 'WX" in done.stdout
    assert '"status":"PROCESSING"' in done.stdout.replace(" ", "")


def test_both_languages_have_the_same_commands() -> None:
    english, chinese = ([block.text for block in BLOCKS if block.document == page] for page in PAGES)
    assert english == chinese
    assert len(english) > 6
