"""What `trigger --tamper` sends, before three verifiers that nobody here wrote: each alone, and with the lines that its users add."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.kit.calls import TESTING
from tests.kit.program import Program
from tests.kit.serving import Answering, serving
from wechatpay_simulator import Credentials
from wechatpay_simulator.triggering.tampering import TAMPERS
from wechatpay_simulator.triggering.trigger import parser, sent

HERE = Path(__file__).parent
AMOUNT = 250
CLIENTS = ("wechatpayv3", "wechatpay-node-v3", "wechatpay-axios-plugin")
GENUINE = ("none", "amount")  # WeChat Pay's own: any verifier takes them


@dataclass
class Backend:
    """Where it is told of payments; `believed` gives the next of what it believed, oldest first."""

    url: str
    believed: Callable[[], Any]


@contextmanager
def in_node(name, extent, simulator, credentials_file, environment) -> Iterator[Backend]:
    command = ["node", str(HERE / "receiver.js"), name, extent, simulator, str(credentials_file)]
    with Program(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = process.stdout
        yield Backend(lines.readline().strip(), lambda: json.loads(lines.readline()))


@contextmanager
def in_python(extent, simulator, credentials_file) -> Iterator[Backend]:
    mine = json.loads(credentials_file.read_text())
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=mine["mchid"],
        private_key=mine["merchantPrivateKey"],
        cert_serial_no=mine["merchantSerialNo"],
        appid=mine["appid"],
        apiv3_key=mine["apiV3Key"],
        public_key=mine["wechatPublicKey"],
        public_key_id=mine["wechatPublicKeyId"],
        timeout=(5, 5),
    )
    client._core._gate_way = simulator
    told: Queue[dict[str, Any]] = Queue()

    def is_fresh(headers) -> bool:
        return abs(time.time() - int(headers["Wechatpay-Timestamp"])) < 300

    class Handler(Answering):
        def do_POST(self) -> None:
            found = None
            with suppress(Exception):  # as a web framework answers 500, whatever was raised
                found = client.callback(self.headers, self.body())
            if not found or (extent == "completed" and not is_fresh(self.headers)):
                self.answer(500, b'{"code":"FAIL","message":"not believed"}')
                return
            told.put(found["resource"])
            self.answer(204)

    with serving(Handler) as origin:
        yield Backend(f"{origin}/notify", partial(told.get, timeout=5))


@pytest.fixture(scope="module")
def backends(environment, credentials_file, simulating) -> Iterator[dict[tuple[str, str], Backend]]:
    """Each verifier, alone and completed."""
    with simulating("--mode", "pubkey") as simulator, ExitStack() as there:
        started = {}
        for extent in ("alone", "completed"):
            started["wechatpayv3", extent] = in_python(extent, simulator, credentials_file)
            for name in CLIENTS[1:]:
                started[name, extent] = in_node(name, extent, simulator, credentials_file, environment)
        yield {key: there.enter_context(backend) for key, backend in started.items()}


def words(tamper, url, credentials_file) -> list[str]:
    asked = f"payment.succeeded --to {url} --credentials {credentials_file} --amount {AMOUNT}"
    return [*asked.split(), *([] if tamper == "none" else ["--tamper", tamper])]


@pytest.fixture(scope="module")
def credentials(credentials_file):
    return Credentials.load_or_create(credentials_file)  # once: that takes longer than all the rest


@pytest.fixture
def taken(credentials, credentials_file, capsys):
    """Whether the backend takes what `trigger` sends; the command has to have judged it so."""

    def trigger(tamper, backend) -> bool:
        is_right = sent(parser().parse_args(words(tamper, backend.url, credentials_file)), credentials)
        verdict = capsys.readouterr().out.splitlines()[-1].strip()
        was_taken = verdict.split()[1] in ("200", "204")
        assert is_right is (was_taken is (tamper in GENUINE)), verdict
        return was_taken

    return trigger


def documented() -> dict[tuple[str, str], bool]:
    """By tamper and package, whether docs/testing.md says that the package alone takes it."""
    lines = TESTING.read_text(encoding="utf-8").splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith("| `--tamper` |"))
    found = {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        tamper, *cells = [cell.strip(" `") for cell in line.split("|")[1:-1]]
        found |= {(tamper, name): cell == "taken" for name, cell in zip(CLIENTS, cells, strict=True)}
    return found


def test_the_table_has_every_tamper_and_every_package():
    assert documented().keys() == {(tamper, name) for tamper in ("none", *TAMPERS) for name in CLIENTS}


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("tamper", ["none", *TAMPERS])
def test_a_package_alone_does_as_the_table_says_and_completed_it_refuses(backends, taken, tamper, name):
    alone, completed = backends[name, "alone"], backends[name, "completed"]
    assert taken(tamper, alone) is documented()[tamper, name]
    assert taken(tamper, completed) is (tamper in GENUINE)
    if documented()[tamper, name]:
        believed = alone.believed()
        assert isinstance(believed, str if tamper == "ciphertext" else dict)
    if tamper in GENUINE:
        total = completed.believed()["amount"]["total"]
        assert (total == AMOUNT) is (tamper == "none")  # what only a comparison with one's own books tells


@pytest.mark.parametrize("name", CLIENTS)
def test_the_command_itself_sends_it_and_says_so(backends, credentials_file, name):
    command = [sys.executable, "-m", "wechatpay_simulator", "trigger"]
    done = subprocess.run(
        [*command, *words("signature", backends[name, "alone"].url, credentials_file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith(": refused, as it should be (FAIL)")


def test_what_users_are_told_to_add_is_what_was_added():
    text = TESTING.read_text(encoding="utf-8")
    sources = (HERE / "receiver.js").read_text() + Path(__file__).read_text()
    section = text[text.index("| `--tamper` |") : text.index("## What tests share")]
    lines = [part for part in section.split("`")[1::2] if "(" in part]
    assert len(lines) == 6
    for line in lines:
        assert line in sources
