"""One sandbox for all blocks of the documents, a folder to run them in, and the people of the examples.

A world of its own because what runs here is the documents' text, in a shell. Its calls are the shop's of tests/kit.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import requests

from tests.documents.blocks import BLOCKS
from tests.kit.running import Running
from tests.kit.shop import Shop


class World:
    """One sandbox for all blocks, a folder to run them in, and the people of the examples."""

    def __init__(self, sandbox: Running, folder: Path) -> None:
        self.sandbox, self.folder, self.shop = sandbox, folder, Shop(sandbox)

    def token(self, scope: str) -> str:
        return self.sandbox.tokens.token("user-123", scope)

    def control(self, name: str, body: dict[str, Any]) -> Any:
        answer = self.shop.control(name, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def quote(self, document: str) -> str:
        """What the document's own lines sign."""
        (block,) = [one for one in BLOCKS if one.document == document and one.text.startswith("quote = jwt")]
        names: dict[str, Any] = {"jwt": jwt, "time": time, "user_id": "user-123", "content_id": "content-456"}
        handed_out = requests.get(f"{self.sandbox.api}/_sandbox/quote-key", timeout=10).json()["quoteKey"]
        exec(block.text, names | {"WECHAT_QUOTE_KEY": handed_out}, names)
        return str(names["quote"])

    def api(self, method: str, path: str, scope: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of a call that must succeed."""
        answer = self.shop.call(method, f"/{path}", body, scope=scope, sub="user-123")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def paid(self) -> str:
        """An order of more than the examples give back."""
        order = {"contentId": "content-456", "amount": 99.99, "subject": "Premium Content Purchase"}
        number = str(self.api("POST", "native", "payments:charge", order)["outTradeNo"])
        self.control("pay", {"outTradeNo": number})
        self.until(lambda: self.details(number)["status"] == "succeeded")
        return number

    def not_taken_by_the_bank(self) -> tuple[str, str]:
        """The numbers of an order, and of a refund of it that is ABNORMAL."""
        number = self.paid()
        once = {"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1}
        self.control("faults", {"rules": [once]})
        wish = {"outTradeNo": number, "refundAmount": 5}
        refund = str(self.api("POST", "refund", "payments:refund", wish)["outRefundNo"])
        self.until(lambda: self.details(number)["refunds"][0]["status"] == "ABNORMAL")
        return number, refund

    def details(self, number: str) -> dict[str, Any]:
        return self.api("GET", f"payment/{number}", "payments:charge")

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, "it did not happen within 30 seconds"
            self.sandbox.drain()

    def shell(self, text: str, *, cwd: Path | None = None, **variables: str) -> str:
        """What the commands print; all of them must succeed. What a document puts into .sandbox goes into the folder."""
        # The environment that this test runs in, whose making is another test's matter.
        ready = f'make() {{ command make -o "{sys.prefix}/.ready" V="{sys.prefix}" "$@"; }}\n'
        text = text.replace(".venv/bin/python", sys.executable).replace(".sandbox/", f"{self.folder}/")
        done = subprocess.run(
            ["bash", "-ec", ready + text],
            cwd=cwd or self.folder,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
