"""The npm packages of these tests, and WeChat Pay's simulator run alone beside them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.kit.keys import merchant, merchant_file
from tests.kit.npm import installed

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """In which node finds the packages."""
    return {**os.environ, "NODE_PATH": str(installed(HERE / "package.json", "node"))}


@pytest.fixture(scope="session")
def credentials_file() -> Path:
    merchant()
    return merchant_file()


@pytest.fixture(scope="session")
def simulating(credentials_file: Path) -> Callable[..., AbstractContextManager[str]]:
    """The URL of a simulator of its own, with the options given, for as long as a block lasts."""

    @contextmanager
    def run(*options: str) -> Iterator[str]:
        always = ["--port", "0", "--credentials", str(credentials_file)]
        command = [sys.executable, "-m", "wechatpay_simulator", "serve", *always, *options]
        with subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()

    return run
