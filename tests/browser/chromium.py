"""The Chromium of this machine, as tests and pictures start it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LAUNCH = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@contextmanager
def launched(*options: str) -> Iterator[Any]:
    """A browser of playwright's, which CHROMIUM names or the path has, with options of the program's besides."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=[*LAUNCH, *options])
        yield browser
        browser.close()


SHOTS = Path(__file__).parents[2] / ".sandbox" / "screenshots"


def state(page, wanted, seconds=10):
    """Wait until the checkout shows this state."""
    page.wait_for_selector(f'main[data-state="{wanted}"]', timeout=seconds * 1000)
