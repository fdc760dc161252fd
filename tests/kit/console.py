"""What people do while a key changes: in WeChat Pay's console, and with our secrets."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.stack import Sandbox
from tests.kit.running import Running
from tests.kit.shop import Shop
from wechatpay.client import Client
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner

CACHED = 5  # minutes that a function keeps a secret


def advance(shop: Any, seconds: float) -> None:
    """Let time pass, for refunds and notifications that wait, too."""
    answer = shop.control("clock", {"advance": seconds})
    assert answer.status_code == 200, answer.text


def refund_in_console(sandbox: Sandbox, out_trade_no: str, out_refund_no: str, fen: int) -> None:
    """Somebody refunds in WeChat Pay's console: under a number of their own, told to the order's notify URL."""
    books = requests.get(f"{sandbox.simulator}/_sandbox/orders", timeout=30).json()["orders"]
    (book,) = [order for order in books if order["out_trade_no"] == out_trade_no]
    request = {
        "transaction_id": book["transaction_id"],
        "out_refund_no": out_refund_no,
        "notify_url": book["notify_url"],
        "amount": {"refund": fen, "total": book["amount"]["total"], "currency": "CNY"},
    }
    mine = sandbox.credentials
    signer = MerchantSigner(mine.mchid, mine.merchant_serial_no, load_private_key(mine.merchant_private_key))
    Client(
        signer=lambda: signer,
        keys=KeyRing.of(public_key_id=mine.wechat_public_key_id, public_key=mine.wechat_public_key),
        gateways=[sandbox.simulator],
        clock=sandbox.clock.time,
        nonce=lambda: secrets.token_hex(16),
    ).refund(json.dumps(request).encode())


class Console:
    """WeChat Pay's console, and whoever may write the stack's secrets."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.sandbox = shop, shop.sandbox
        self._client = self.sandbox.aws.client("secretsmanager")

    def wechat(self, **change: Any) -> None:
        answer = self.shop.control("keys", change)
        assert answer.status_code == 200, answer.text

    def secret(self, name: str) -> dict[str, Any]:
        try:
            found = self._client.get_secret_value(SecretId=self.sandbox.deployed.refs[name])
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        members: dict[str, Any] = json.loads(found["SecretString"])
        return members

    def put(self, name: str, **members: Any) -> None:
        """Replace members of a secret; None takes one away."""
        changed = {key: value for key, value in (self.secret(name) | members).items() if value is not None}
        self._client.put_secret_value(
            SecretId=self.sandbox.deployed.refs[name], SecretString=json.dumps(changed)
        )

    def run_certificates(self) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Run the scheduled function; its answer, and what it wrote."""

        def written() -> str:
            text: str = self.sandbox.lambdas.logs("CertificatesFunction")[before:]
            return text

        before = len(self.sandbox.lambdas.logs("CertificatesFunction"))
        timer = next(
            each for name, each in self.sandbox.schedules.items() if name.startswith("CertificatesFunction")
        )
        answer = timer.run_now()
        self.sandbox.wait_until(lambda: "KeyDaysLeftMin" in written())  # what it says last
        return answer, [json.loads(line) for line in written().splitlines() if line.startswith("{")]


@pytest.fixture(scope="session")
def certified() -> Iterator[Shop]:
    """The shop of a merchant on platform certificates, in a sandbox of its own: no schedule fires there by itself."""
    with Running(mode="cert", schedules=False) as running:
        running.warm()
        yield Shop(running)


@pytest.fixture
def console(certified: Any) -> Iterator[Console]:
    """Everything as it was at first: the old certificates, the first keys, no previous ones."""
    console, mine = Console(certified), certified.sandbox.credentials
    console.wechat(merchantCertificates="both", apiV3Key=mine.api_v3_key, mode="cert", percentage=0)
    console.put(
        "SigningSecret",
        WECHAT_PRIVATE_KEY=mine.merchant_private_key,
        WECHAT_CERT_SERIAL_NO=mine.merchant_serial_no,
        WECHAT_CERTIFICATE=mine.merchant_certificate,
    )
    console.put(
        "VerificationSecret",
        WECHAT_API_V3_KEY=mine.api_v3_key,
        WECHAT_API_V3_KEY_PREVIOUS=None,
        WECHAT_PLATFORM_CERTIFICATES=[mine.platform_certificate],
        WECHAT_PUBLIC_KEY_ID=None,
        WECHAT_PUBLIC_KEY=None,
        WECHAT_QUOTE_KEY=certified.sandbox.tokens.quote_key,
        WECHAT_QUOTE_KEY_PREVIOUS=None,
    )
    advance(certified, 60 * CACHED + 1)
    console.wechat(merchantCertificates="old")
    yield console
    certified.sandbox.aws.outages.clear()
