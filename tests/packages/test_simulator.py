"""The simulator's wheel in an empty environment: its commands, and README.md's first steps as they stand there."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.kit.parameters import ROOT
from tests.kit.serving import Answering, serving
from tests.packages.installed import Installed
from wechatpay_simulator import __version__

README = (ROOT / "wechatpay_simulator/README.md").read_text(encoding="utf-8")


def block(start: str) -> str:
    """The README's block that begins so."""
    (found,) = re.findall(rf"^```\w*\n({re.escape(start)}.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(found)


def as_it_runs(text: str, running: dict[str, Any]) -> str:
    """With the address and the file of the simulator that runs here."""
    return text.replace("http://127.0.0.1:8181", running["url"]).replace(
        "credentials.json", Path(running["credentials"]).as_posix()
    )


def test_what_is_installed_is_what_was_built(simulator: Installed) -> None:
    where = simulator.run(simulator.python, "-c", "import wechatpay_simulator as w; print(w.__file__)")
    assert Path(where.strip()).is_relative_to(simulator.home)
    for words in ([simulator.script("wechatpay-simulator")], [simulator.python, "-m", "wechatpay_simulator"]):
        assert simulator.run(*words, "--version") == f"wechatpay-simulator {__version__}\n"
        assert "wechatpay-simulator trigger" in simulator.run(*words, "--help")


def test_the_readmes_install_and_serve_are_what_these_tests_do(simulator: Installed) -> None:
    install, serve = block("pip install").splitlines()
    assert install == f"pip install dist/{simulator.wheel.name}"
    assert serve.split()[:2] == ["wechatpay-simulator", "serve"]


def test_the_readmes_first_request_is_answered_and_paid(
    simulator: Installed, running: dict[str, Any]
) -> None:
    told = json.loads(simulator.run(simulator.python, "-c", as_it_runs(block("import base64"), running)))
    assert told.keys() == {"code_url"}
    pay = as_it_runs(block("curl -s"), running)
    paid = json.loads(
        simulator.run("sh", "-c", pay.replace("weixin://wxpay/bizpayurl?pr=…", told["code_url"]))
    )
    assert paid["trade_state"] == "SUCCESS"
    with urllib.request.urlopen(f"{running['url']}/_sandbox/notifications", timeout=5) as answer:
        sent = json.load(answer)["notifications"]
    (told_of,) = (each for each in sent if each["id"] == paid["notification_id"])
    assert (told_of["event_type"], told_of["url"]) == ("TRANSACTION.SUCCESS", "http://127.0.0.1:3000/notify")


@pytest.mark.parametrize(
    ("tampered", "status", "says"), [((), 0, "✓ 200"), (("--tamper", "signature"), 1, "✗ 200")]
)
def test_a_notification_is_triggered_and_the_answer_judged(
    simulator: Installed, running: dict[str, Any], tampered: tuple[str, ...], status: int, says: str
) -> None:
    class Believing(Answering):
        def do_POST(self) -> None:
            self.body()
            self.answer(200)

    with serving(Believing) as origin:
        words = [
            "trigger",
            "payment.succeeded",
            "--to",
            f"{origin}/notify",
            "--credentials",
            running["credentials"],
        ]
        told = simulator.run(
            simulator.python, "-X", "utf8", "-m", "wechatpay_simulator", *words, *tampered, status=status
        )
    assert says in told
