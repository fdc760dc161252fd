"""One payment told on the console, then a shop to click through: `python -m sandbox.demo [--port N] [--once]`."""

import argparse
import io
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import qrcode
import requests

from sandbox.__main__ import port_number, until_told_to_stop
from sandbox.stack import Sandbox

PATIENCE = 10.0  # seconds for what WeChat Pay and the stream do by themselves
API = "/api/v1/payments/wechat"


class StepFailedError(Exception):
    """A step of the walk did not go as it must; the sentence says which."""


class Walk:
    """Walks one payment through the API as a shop, its buyer and its back office would, and says what happens."""

    def __init__(self, sandbox: Sandbox, out: TextIO) -> None:
        self._sandbox = sandbox
        self._out = out
        self._step = 0
        self._http = requests.Session()
        self._http.trust_env = False

    def run(self) -> None:
        """All steps. Raises StepFailedError, or requests.RequestException when something does not answer."""
        order = self.order()
        self.show_code(order)
        self.pay(order)
        self.notified(order)
        self.settled(order)
        self.told(order)
        self.say("")
        self.say(
            "Every step went as it must: requests and answers were signed and checked, the notification was"
        )
        self.say("encrypted, and each function ran under its own role.")

    def order(self) -> dict[str, Any]:
        """A buyer orders at the price that the shop's backend has quoted."""
        self.title("The shop quotes 99.99 yuan, and the buyer's browser asks for a code")
        wanted = {"sub": "buyer-1", "contentId": "content-456", "amount": 9999}
        quote = self.sandbox_call("/_sandbox/quote", wanted)["quote"]
        body = {
            "contentId": "content-456",
            "amount": 99.99,
            "subject": "Premium Content Purchase",
            "metadata": {"custom": "data"},
            "quote": quote,
        }
        data: dict[str, Any] = self.call(
            "POST", "/native", body, {"Idempotency-Key": f"demo-{time.time_ns()}"}
        )
        self.expect(data["amount"] == 99.99, "the order is over the quoted amount")
        return data

    def show_code(self, order: dict[str, Any]) -> None:
        """The QR code, as the shop's page would show it."""
        self.title("The buyer sees this code")
        code = qrcode.QRCode(border=2)
        code.add_data(order["codeUrl"])
        drawn = io.StringIO()
        code.print_ascii(out=drawn, invert=True)
        for row in drawn.getvalue().rstrip().splitlines():
            self.say("   " + row.replace("\xa0", " "))
        self.say(f"   {order['codeUrl']}, good until {order['expiresAt']}")

    def pay(self, order: dict[str, Any]) -> None:
        """The phone scans and confirms."""
        self.title("The buyer's phone scans it and pays")
        answer = self._http.post(
            f"{self._sandbox.simulator}/_sandbox/pay", json={"codeUrl": order["codeUrl"]}, timeout=10
        )
        if answer.status_code != 200:
            raise StepFailedError(f"the phone pays (it was told: {answer.text})")
        self.say(f"   ✓ WeChat Pay took the money: transaction {answer.json()['transaction_id']}")

    def notified(self, order: dict[str, Any]) -> None:
        """WeChat Pay's notification, as it went over the wire."""
        self.title("WeChat Pay notifies us, signed and encrypted")
        sent = self.wait_for("the notification is answered", self._delivered)
        headers = {name.lower(): value for name, value in sent["headers"].items()}
        self.say(f"   → POST {sent['url']}")
        for name in ("Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Signature"):
            self.say(f"     {name}: {_short(headers[name.lower()])}")
        self.say(f"     {_short(sent['body'], 140)}")
        self.say(f"   ← {sent['status']}")
        self.expect(sent["status"] == 200, "our notify function accepts it")
        self.expect(order["outTradeNo"] not in sent["body"], "nothing about the order is readable on the way")

    def settled(self, order: dict[str, Any]) -> None:
        """Query and details agree with WeChat Pay's own books."""
        self.title("The status has changed; query, details and WeChat Pay's books agree")
        number = order["outTradeNo"]
        query = self.call("GET", f"/query/{number}")
        details = self.call("GET", f"/payment/{number}")
        books = self._http.get(f"{self._sandbox.simulator}/_sandbox/orders", timeout=10).json()["orders"]
        (book,) = [entry for entry in books if entry["out_trade_no"] == number]
        self.expect(details["status"] == "succeeded", "the payment has succeeded")
        self.expect(query["tradeState"] == book["trade_state"] == "SUCCESS", "the trade states agree")
        self.expect(query["amount"]["total"] == book["amount"]["total"] == 9999, "the amounts agree")
        self.expect(query["transactionId"] == book["transaction_id"], "the transaction numbers agree")
        self.expect(details["metadata"]["custom"] == "data", "the shop's own metadata is there")

    def told(self, order: dict[str, Any]) -> None:
        """The events that the rest of the product hears."""
        self.title("The rest of the product hears of it from EventBridge")
        wanted = ["PaymentCreated", "PaymentSucceeded"]
        events = self.wait_for(f"{' and '.join(wanted)} are published", lambda: self._events(order, wanted))
        for event in events:
            self.say(f"   {event['detail-type']}  {_json(event['detail'])}")

    # ---- speaking and calling ----

    def title(self, sentence: str) -> None:
        """Begin a step."""
        self._step += 1
        self.say("")
        self.say(f"{self._step}. {sentence}")

    def say(self, line: str) -> None:
        """One line of the story."""
        print(line, file=self._out, flush=True)

    def expect(self, holds: bool, sentence: str) -> None:
        """One thing that must be so. Raises StepFailedError."""
        if not holds:
            raise StepFailedError(sentence)
        self.say(f"   ✓ {sentence}")

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One API call as the buyer; request and answer are shown. Returns `data`."""
        token = self.sandbox_call("/_sandbox/token", {"sub": "buyer-1", "scope": "payments:pay"})["token"]
        self.say(f"   → {method} {API}{path}" + (f"  {_json(_shortened(body))}" if body else ""))
        answer = self._http.request(
            method,
            f"{self._sandbox.api}{API}{path}",
            data=_json(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
            timeout=30,
        )
        shown = answer.json()
        self.say(f"   ← {answer.status_code} {_json(_shortened(shown))}")
        if answer.status_code != 200:
            raise StepFailedError(f"{method} {path} answers 200")
        return shown["data"]

    def sandbox_call(self, path: str, body: dict[str, Any]) -> Any:
        """One call of the sandbox's own handles."""
        answer = self._http.post(f"{self._sandbox.api}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def wait_for(self, sentence: str, look: Callable[[], Any]) -> Any:
        """What `look` finds, within ten seconds. Raises StepFailedError."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            if time.monotonic() > deadline:
                raise StepFailedError(f"{sentence} within {PATIENCE:.0f} seconds")
            time.sleep(0.05)
        return found

    def _delivered(self) -> Any:
        answer = self._http.get(f"{self._sandbox.simulator}/_sandbox/notifications", timeout=10)
        sent = answer.json()["notifications"]
        return sent[-1] if sent and isinstance(sent[-1]["status"], int) else None

    def _events(self, order: dict[str, Any], wanted: list[str]) -> list[dict[str, Any]]:
        events = self._http.get(f"{self._sandbox.api}/_sandbox/events", timeout=10).json()["events"]
        ours = [event for event in events if event["detail"].get("outTradeNo") == order["outTradeNo"]]
        return ours if {event["detail-type"] for event in ours} >= set(wanted) else []


def main() -> int:
    """Start the sandbox, walk, and stay open unless told otherwise. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--port", type=port_number, default=8000, help="the API's and the shop's port; 0 picks one"
    )
    parser.add_argument("--once", action="store_true", help="exit after the walk (on a free port)")
    wanted = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")

    started = time.monotonic()
    try:
        sandbox = Sandbox(port=0 if wanted.once else wanted.port)
    except OSError:
        print(f"demo: port {wanted.port} is taken; choose another one: make demo PORT=8001", file=sys.stderr)
        return 1
    with sandbox:
        print(f"WeChat Pay on this machine, ready after {time.monotonic() - started:.1f} s")
        print(f"  the API, as template.yaml deploys it   {sandbox.api}")
        print(f"  WeChat Pay, a simulator that signs     {sandbox.simulator}")
        print(f"  AWS, each function under its own role  {sandbox.aws.url}")
        if not _walked(sandbox):
            return 1
        if not wanted.once:
            print(f"\nNow buy something yourself: {sandbox.api}  (Ctrl-C ends it)", flush=True)
            until_told_to_stop()
    return 0


def _walked(sandbox: Sandbox) -> bool:
    try:
        Walk(sandbox, sys.stdout).run()
    except (StepFailedError, requests.RequestException) as failure:
        print(f"   ✗ {failure}", flush=True)
        print("demo: the walk failed; what the functions wrote:", file=sys.stderr)
        for name in sandbox.deployed.functions:
            print(sandbox.lambdas.logs(name), file=sys.stderr)
        return False
    return True


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    return _short(value) if isinstance(value, str) else value


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C in the middle of the walk
        sys.exit(130)
