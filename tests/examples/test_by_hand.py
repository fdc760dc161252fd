"""The lines of examples/README.md by which a shop is started by hand: run as they stand there, but for what an installation would bring, and the port."""

import json
import re
import socket
import sys
from pathlib import Path

import pytest
import requests

from tests.documents.blocks import BLOCKS, ROOT
from tests.examples.from_a_clone import cloning, documented, first_terminal
from tests.examples.walk import EXAMPLES, SHOPS, started

LINES = [
    line
    for block in BLOCKS
    if block.document == "examples/README.md"
    for line in block.text.splitlines()
    if "API=http://127.0.0.1:8000 " in line
]
FLASK = [line for line in LINES if "flask --app" in line]


def test_there_is_one_for_each_shop() -> None:
    assert {name for line in LINES for name in re.findall(r"cd examples/([\w-]+)", line)} == {*SHOPS}


@pytest.mark.share(1)
@pytest.mark.parametrize("line", FLASK, ids=lambda line: line.split()[1])
def test_a_shop_in_python_starts_by_its_line(line: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    installed = line.replace("../.venv/bin/flask", f"{sys.executable} -m flask")
    command = re.sub(r"--port \d+", f"--port {port}", installed)
    assert len({line, installed, command}) == 3
    environment = {
        "WEBHOOK_SECRET": "whsec_" + "A" * 43 + "=",
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "DATABASE": str(tmp_path / "shop.db"),
    }
    words = ["bash", "-c", f"cd {ROOT} && {command.replace(' API=', ' exec env API=')}"]
    address = f"http://127.0.0.1:{port}/history"
    # Whatever its status: a program for a mini program has no pages.
    with started(words, tmp_path, lambda: [requests.get(address, timeout=5)], **environment) as answers:
        assert answers[0].headers["Server"].startswith("Werkzeug")


def test_the_shop_in_node_starts_as_the_walk_starts_it() -> None:
    (line,) = (line for line in LINES if "shop-express" in line)
    assert line.endswith("npm start")
    package = json.loads((EXAMPLES / "shop-express/package.json").read_text())
    assert package["scripts"]["start"] == "node shop.js"


def test_whoever_has_the_documents_alone_finds_all_lines_and_ports() -> None:
    assert "<this repository>" in cloning()
    secret, sandbox = first_terminal()
    assert secret.startswith("export WEBHOOK_SECRET=")
    assert sandbox.startswith("make sandbox EVENTS=http://localhost:5000/webhook ")
    shops = {shop.name: shop for shop in documented()}
    assert {name: shop.port for name, shop in shops.items()} == {
        "shop-flask": "5000",
        "shop-express": "3000",
        "mini-program": "5001",
    }
    for shop in shops.values():
        assert "API=http://127.0.0.1:8000 " in shop.lines
        assert shop.name == "shop-express" or f"--port {shop.port}" in shop.lines
