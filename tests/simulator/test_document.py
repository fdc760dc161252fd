"""Every curl command of docs/simulator.md does what it is printed for."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.simulator.test_call_up import of_page
from wechatpay_simulator.faults.fault_rule import ANSWER_EFFECTS, NOTIFICATION_EFFECTS, OPERATIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulator.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_work_as_printed(merchant, receiver):
    order = merchant.placed(notify_url=receiver.url)["out_trade_no"]
    another = merchant.placed(notify_url=receiver.url)["out_trade_no"]
    environment = os.environ | {
        "SIM": merchant.url,
        "ORDER": order,
        "ORDER_WITH_COUPONS": another,
        "PAYMENT": json.dumps(of_page(merchant, notify_url=receiver.url)[1]),
        "H5_URL": merchant.h5(merchant.h5_order(notify_url=receiver.url)).json["h5_url"],
        "NO_PROXY": "127.0.0.1",
    }
    assert len(BLOCKS) == 15
    for block in BLOCKS:
        if deliveries := merchant.deliveries():
            environment["NOTIFICATION"] = deliveries[0]["id"]
        command = re.sub(r"\bcurl -sS", 'curl -sS --fail-with-body -w "\\\\n"', block)
        done = subprocess.run(
            ["bash", "-ec", command], env=environment, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        for line in done.stdout.split("\n"):
            assert line == "" or json.loads(line)
    receiver.wait(7)
    assert merchant.control("GET", "keys").json["mode"] == "mixed"
    assert merchant.control("GET", "faults").json["rules"] == []


def test_the_effects_are_those_of_the_document():
    text = DOCUMENT.read_text(encoding="utf-8")
    tables = "".join(line for line in text.splitlines() if line.startswith("| `"))
    for effect in {*ANSWER_EFFECTS, *NOTIFICATION_EFFECTS, "result", "errcode"}:
        assert f"`{effect}`" in tables
    for operation in OPERATIONS:
        assert f"`{operation}`" in text
