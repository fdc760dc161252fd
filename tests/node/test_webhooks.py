"""A shop in another language hears of a payment: the npm package standardwebhooks verifies what the sandbox forwards."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox.triggers.webhooks import new_secret
from tests.kit.npm import installed
from tests.kit.program import Program
from tests.kit.running import Running
from tests.kit.shop import Shop

HERE = Path(__file__).parent


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "secret").write_text(new_secret())
    return tmp_path / "secret"


@pytest.fixture
def shop(secret):
    packages = installed(HERE / "package.json", "node")
    with Program(
        ["node", str(HERE / "webhooks.js"), str(secret)],
        env={**os.environ, "NODE_PATH": str(packages)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def test_each_event_of_a_payment_is_verified_and_a_changed_one_is_not(shop, secret):
    url = shop.stdout.readline().strip()
    with Running(schedules=False, forward_events=url, webhook_secret=secret.read_text()) as sandbox:
        buyers = Shop(sandbox)
        metadata = {"note": "墨弦 é \U0001f3b5", "precise": 12345678.9}
        order = {"contentId": "c", "amount": "9.90", "subject": "A thing", "metadata": metadata}
        number = buyers.call("POST", "/native", order).json()["data"]["outTradeNo"]
        assert buyers.control("pay", {"outTradeNo": number}).ok
        heard = [json.loads(shop.stdout.readline()) for _ in range(2)]
        told = [event["detail"] for event in sandbox.events()]
    assert [each["message"]["type"] for each in heard] == ["PaymentCreated", "PaymentSucceeded"]
    for each, detail in zip(heard, told, strict=True):
        data = each["message"]["data"]
        assert (each["id"], data["version"], data["metadata"]["note"]) == (
            detail["id"],
            detail["version"],
            metadata["note"],
        )
        assert each["changed"]["refused"] == "No matching signature found"


def test_another_secret_is_refused_and_the_event_waits(shop, secret):
    url = shop.stdout.readline().strip()
    with Running(schedules=False, forward_events=url) as sandbox:
        Shop(sandbox).native()
        refused = json.loads(shop.stdout.readline())
        assert refused["message"] == {"refused": "No matching signature found"}
        assert sandbox.webhook is not None
        secret.write_text(sandbox.webhook["secret"])
        assert sandbox.drain()
        sandbox.clock.advance(2)
        assert json.loads(shop.stdout.readline())["message"]["type"] == "PaymentCreated"
