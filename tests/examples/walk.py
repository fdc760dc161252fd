"""Each shop of examples/, started beside a sandbox as examples/README.md says, is bought from, paid, told of it, and refunds.

`python -m tests.examples.walk [shop-flask …]` prints how long each part took.
"""

import html
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from sandbox.triggers.webhooks import new_secret
from tests.clients.building import unpacked
from tests.kit.npm import installed
from tests.kit.parameters import ROOT
from tests.kit.program import Program

EXAMPLES, HERE = ROOT / "examples", Path(__file__).parent
# Beside the shops, which use this backend, there are programs that use the simulator alone.
OTHERS = (".", "exam-", "pytest-", "simulator-")
"""How folders of examples begin that are no shops."""
SHOPS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith(OTHERS))
http = requests.Session()
http.trust_env = False


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def until(holds: Callable[[], Any], what: str) -> Any:
    """What it gives, once that is true."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within a minute")


@contextmanager
def started(command: list[str], folder: Path, ready: Callable[[], Any], **environment: str) -> Iterator[Any]:
    """A program that runs until the block ends; what `ready` gives."""
    log = folder / f"{time.monotonic_ns()}.log"
    with (
        log.open("w") as output,
        Program(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            yield until(ready, f"{command} is ready")
        except BaseException:
            print(log.read_text()[-4000:])
            raise
        finally:
            process.terminate()
            process.wait(timeout=30)


class Walk:
    """One shop at a port, and its sandbox."""

    def __init__(self, name: str, folder: Path, tell: Callable[[str], None]) -> None:
        self.name, self.folder, self._tell = name, folder, tell
        self.port = free_port()
        self.shop = f"http://localhost:{self.port}"
        self._began = time.monotonic()

    def told(self, what: str) -> None:
        """Say what was done since the last time, and how long it took."""
        now = time.monotonic()
        self._tell(f"{self.name}: {what}: {now - self._began:.1f} s")
        self._began = now

    def run(self) -> None:
        """All of it; AssertionError where something is other than the example says."""
        with ExitStack() as stack:
            ready, secret = self.folder / "ready.json", new_secret()
            command = [sys.executable, "-m", "sandbox", "--port", "0", "--ready-file", str(ready)]
            command += ["--forward-events", f"{self.shop}/webhook", "--webhook-secret", secret]
            info = stack.enter_context(
                started(
                    command,
                    self.folder,
                    lambda: ready.exists() and json.loads(ready.read_text()),
                    PYTHONPATH=str(ROOT),
                )
            )
            self.api, self.simulator = info["api"], info["simulator"]
            settings = {
                "API": self.api,
                "WEBHOOK_SECRET": secret,
                "SHOP": self.shop,
                "NO_PROXY": "127.0.0.1,localhost",
            }
            command, more = getattr(self, f"_{self.name.replace('-', '_')}")()
            stack.enter_context(
                started(
                    command,
                    self.folder,
                    lambda: http.get(self.shop, timeout=5).status_code,
                    **settings,
                    **more,
                )
            )
            self.told("sandbox and shop are up")
            self.sold()

    def sold(self) -> None:
        """What there is to do with a shop and a sandbox that are up."""
        self._began = time.monotonic()
        if self.name == "mini-program":
            self.mini_program()
        else:
            self.bought("native", "codeUrl", "on a desktop")
            self.bought("h5", "h5Url", "on a phone")

    def _flask(self, module: str) -> tuple[list[str], dict[str, str]]:
        environment = {
            "PYTHONPATH": str(ROOT / "clients/python/src"),
            "DATABASE": str(self.folder / "shop.db"),
        }
        app = str(EXAMPLES / self.name / module)
        return [sys.executable, "-m", "flask", "--app", app, "run", "--port", str(self.port)], environment

    def _shop_flask(self) -> tuple[list[str], dict[str, str]]:
        return self._flask("shop")

    def _mini_program(self) -> tuple[list[str], dict[str, str]]:
        return self._flask("backend")

    def _shop_express(self) -> tuple[list[str], dict[str, str]]:
        unpacked(installed(ROOT / "clients/typescript/package.json", "clients"), self.folder)
        wanted = json.loads((EXAMPLES / self.name / "package.json").read_text())
        (self.folder / "package.json").write_text(json.dumps(wanted))
        del wanted["dependencies"]["wechatpay-backend"]  # it is the one that was just built
        (self.folder / "others.json").write_text(json.dumps(wanted))
        express = installed(self.folder / "others.json", "express") / "express"
        (self.folder / "node_modules/express").symlink_to(express)
        script = (EXAMPLES / self.name / "shop.js").read_text()
        (self.folder / "shop.js").write_text(script)
        return ["node", "shop.js"], {"PORT": str(self.port)}

    # ---- a shop on the web ----

    def page(self, path: str) -> str:
        """Its text."""
        answer = http.get(self.shop + path, timeout=30)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return html.unescape(answer.text)

    def bought(self, kind: str, credential: str, where: str) -> None:
        """Order, checkout, payment, the page that asks, the event, the refund."""
        order = {"number": field(self.page("/"), "number"), "thing": "tea"}
        addresses = {self._ordered(order), self._ordered(order)}
        (checkout,) = addresses  # a double click is one order
        number = order["number"]
        assert "Not paid yet" in self.page(f"/orders/{number}")
        # What the checkout's page does on this device.
        view = http.post(f"{checkout}/open", json={"kind": kind}, timeout=30).json()
        assert (view["status"], view["amount"]) == ("waiting", "48.00")
        paid = http.post(f"{self.api}/phone/pay", json={credential: view[credential]}, timeout=30)
        assert paid.status_code == 200, paid.text
        until(
            lambda: "Paid: ¥48.00" in self.page(f"/orders/{number}"),
            "the page that asks says that it is paid",
        )
        until(lambda: "succeeded" in self.row(number), "the event is heard")
        self.told(f"bought and paid {where}, event heard")
        row = self.row(number)
        wish = {name: field(row, name) for name in ("wish", "out_trade_no")} | {"amount": "10.00"}
        answers = [http.post(f"{self.shop}/refunds", data=wish, timeout=60) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        assert len({re.findall(r"RF\w{26}", answer.text)[0] for answer in answers}) == 1
        until(lambda: "back: ¥10.00" in self.row(number), "the refund is heard of")
        too_much = http.post(
            f"{self.shop}/refunds", data=wish | {"wish": f"{kind}2", "amount": "40.00"}, timeout=60
        )
        assert (too_much.status_code, "REFUND_EXCEEDS" in too_much.text) == (409, True)
        assert http.post(f"{self.shop}/webhook", data=b"{}", timeout=30).status_code == 400
        self.told("10.00 refunded, event heard")

    def _ordered(self, order: dict[str, str]) -> str:
        answer = http.post(f"{self.shop}/orders", data=order, allow_redirects=False, timeout=60)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def row(self, number: str) -> str:
        """Of the history."""
        (row,) = [row for row in self.page("/history").split("<tr>") if number in row]
        return row

    # ---- a mini program ----

    def mini_program(self) -> None:
        """Its page's own code, with a `wx` of ours, against its backend."""
        page = EXAMPLES / "mini-program/miniprogram/pages/shop/shop.js"
        words = ["node", str(HERE / "mini_program.mjs"), str(page), self.shop, self.simulator]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert {thing["thing"] for thing in told["opened"]["things"]} == {"tea", "cup"}
        assert told["left"]["note"] == "Not paid yet."
        assert told["paid"]["note"] == "Paid. Thank you!"
        assert told["numbers"][0] == told["numbers"][1], "the second tap finds the same order"
        assert told["heard"] == ["succeeded"]
        assert told["refunds"][0] == told["refunds"][1], "a second click is the same refund"
        assert told["refunded"] == ["partially_refunded"]
        assert told["stranger"] == {"statusCode": 401, "others": []}
        self.told("bought and paid in the cashier, event heard, refunded")


def field(text: str, name: str) -> str:
    """The first one of that name in a form."""
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def main(names: list[str]) -> None:
    """All of them, or those that are named."""
    for name in names or ["shop-flask", "shop-express", "mini-program"]:
        with TemporaryDirectory() as folder:
            Walk(name, Path(folder), print).run()


if __name__ == "__main__":
    main(sys.argv[1:])
