"""The pytest plugin in the simulator's wheel: a pytest that finds it by itself, in an environment that has nothing of this repository."""

import os
from pathlib import Path

from tests.clients.building import run
from tests.packages.installed import Installed

SUITE = """
import json, urllib.request

def test_a_test_has_a_wechat_pay(wechatpay):
    with urllib.request.urlopen(f"{wechatpay.url}/_sandbox/orders", timeout=5) as answer:
        assert json.load(answer) == {"orders": []}
    assert json.loads(wechatpay.credentials_file.read_text(encoding="utf-8"))["mchid"]
"""


def test_pytest_finds_the_fixture_by_itself(simulator: Installed, tmp_path: Path) -> None:
    pip = [simulator.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--target", tmp_path / "pytest", "pytest"], tmp_path)
    (tmp_path / "test_shop.py").write_text(SUITE)
    settings = dict.fromkeys(("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER"), "")
    paths = os.fspath(tmp_path / "pytest")
    told = run([simulator.python, "-m", "pytest", "-q"], tmp_path, PYTHONPATH=paths, **settings)
    assert "1 passed" in told
