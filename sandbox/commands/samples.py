"""The order that a sample event takes for granted: opened first, in the same sandbox, by the same functions."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests

from sandbox.stack import TEMPLATE, Sandbox

EVENTS = TEMPLATE.parent / "events"
ABOUT_AN_ORDER = (
    "query",
    "payment",
    "checkout",
    "close",
    "refund",
    "abnormal_refund",
    "notify",
    "settle",
    "live_connect",
)
"""The functions that need the order of their sample event to be there."""
NAMED, REFUND_NAMED = "WXABCDEFGHIJKLMNOPQRSTUVWX23", "RFABCDEFGHIJKLMNOPQRSTUVWX23"
"""That order's number and its refund's, which a fresh sandbox does not know."""
MAX_WAIT_SECONDS = 10.0  # seconds that a payment may take to arrive


class SampleError(Exception):
    """The order for a sample event could not be had; the sentence says what happened instead."""


def invoke(sandbox: Sandbox, function: str, event: Any) -> Any:
    """What the function in functions/<function> answers to an event. Raises FunctionError; KeyError: there is none."""
    return sandbox.lambdas.invoke(_logical_id(sandbox, function), event)


def logs(sandbox: Sandbox, function: str) -> str:
    """What that function has written."""
    return sandbox.lambdas.logs(_logical_id(sandbox, function))


def _logical_id(sandbox: Sandbox, function: str) -> str:
    return {made.code.name: logical_id for logical_id, made in sandbox.deployed.functions.items()}[function]


class SampleOrder:
    """An order of a running sandbox, opened with events/native.json. `say` takes a sentence on whatever is done to it.

    Raises SampleError, or FunctionError when the function that opens it fails.
    """

    def __init__(self, sandbox: Sandbox, say: Callable[[str], None]) -> None:
        self._sandbox, self._say = sandbox, say
        event = json.loads((EVENTS / "native.json").read_bytes())
        del event["headers"]["idempotency-key"]  # with it, every one of them would be the same order
        order = self._data("native", event)
        self.number, self._code_url = str(order["outTradeNo"]), str(order["codeUrl"])
        self._token = str(order["checkoutUrl"]).rpartition("/")[2]
        say(f"events/native.json opened order {self.number}")

    def event(self, function: str) -> Any:
        """events/<function>.json for this order, with what it takes for granted.

        Freshly signed for notify, paid for refund, with a refund that the bank did not take for abnormal_refund, paid without a
        notification for settle, with its token or a ticket.
        """
        if function == "notify":
            return self._signed()
        if function in ("refund", "abnormal_refund"):
            self._pay()
        if function == "settle":
            return self._left_to_settle()
        sample = (EVENTS / f"{function}.json").read_text(encoding="utf-8")
        if "TICKET" in sample:
            sample = sample.replace("TICKET", self._ticket())
        if REFUND_NAMED in sample:
            sample = sample.replace(REFUND_NAMED, self._stuck_refund())
        return json.loads(sample.replace(NAMED, self.number).replace("TOKEN", self._token))

    @property
    def status(self) -> str:
        """What the `payment` function says of it: pending, succeeded, closed …"""
        return str(self._details()["status"])

    def _details(self) -> Any:
        return self._data("payment", self.event("payment"))

    def _ticket(self) -> str:
        """What opens one live connection for this order, signed with the stack's own key."""
        manager = self._sandbox.aws.client("secretsmanager")
        kept = manager.get_secret_value(SecretId=self._sandbox.deployed.refs["CheckoutSecret"])[
            "SecretString"
        ]
        until = int(self._sandbox.clock.time()) + 60
        claims = {"aud": "live", "sub": self.number, "jti": secrets.token_hex(16), "exp": until}
        self._say("a ticket for a live connection was signed")
        return jwt.encode(claims, json.loads(kept)["CHECKOUT_KEY"], algorithm="HS256")

    def _signed(self) -> Any:
        credentials = ["--credentials", str(self._sandbox.credentials_path)]
        script = [sys.executable, str(EVENTS / "sign_notify.py"), *credentials, "--out-trade-no", self.number]
        done = subprocess.run(script, check=False, capture_output=True)
        if done.returncode != 0:
            raise SampleError(done.stderr.decode(errors="replace").strip())
        self._say("events/sign_notify.py signed WeChat Pay's notification that it is paid")
        return json.loads(done.stdout)

    def _stuck_refund(self) -> str:
        """The number of a refund that ended as ABNORMAL, and of which everybody has heard."""
        refused = {"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1}
        self._control("faults", {"rules": [refused]})
        number: str = self._data("refund", self.event("refund"))["outRefundNo"]
        self._wait_until(lambda: self._details()["refunds"][0]["status"] == "ABNORMAL")
        self._say("events/refund.json refunded a part of it, and the simulator's bank did not take that")
        return number

    def _left_to_settle(self) -> Any:
        """The message with which `sweep` would have this order looked into, after a payment that nobody was told of."""
        self._control("faults", {"rules": [{"on": "notification", "effect": "drop"}]})
        self._control("pay", {"codeUrl": self._code_url})
        self._say("the simulator's buyer paid it, and WeChat Pay's notification was lost")
        table = self._sandbox.deployed.refs["PaymentsTable"]
        key = {"out_trade_no": {"S": self.number}}
        item = self._sandbox.aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
        event = json.loads((EVENTS / "settle.json").read_bytes())
        message = {"out_trade_no": self.number, "lease": int(item["due_at"]["N"])}
        event["Records"][0]["body"] = json.dumps(message)
        return event

    def _control(self, name: str, body: dict[str, Any]) -> None:
        """One of the simulator's controls."""
        with requests.Session() as phone:
            phone.trust_env = False  # a proxy knows nothing of this machine
            told = phone.post(
                f"{self._sandbox.simulator}/_sandbox/{name}", json=body, timeout=MAX_WAIT_SECONDS
            )
        if told.status_code != 200:
            raise SampleError(f"the simulator did not do what {name} asks of it: {told.text}")

    def _pay(self) -> None:
        """The buyer's phone pays, and WeChat Pay's notification arrives."""
        if self.status == "succeeded":
            return
        self._control("pay", {"codeUrl": self._code_url})
        self._wait_until(lambda: self.status == "succeeded")
        self._say("the simulator's buyer paid it, and WeChat Pay's notification has arrived")

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + MAX_WAIT_SECONDS
        while not holds():
            if time.monotonic() > until:
                raise SampleError(
                    f"its news has not arrived after {MAX_WAIT_SECONDS:.0f} seconds: {self._details()}"
                )
            time.sleep(0.05)

    def _data(self, function: str, event: Any) -> Any:
        answer = invoke(self._sandbox, function, event)
        if answer["statusCode"] != 200:
            raise SampleError(f"{function} answered {answer['statusCode']}: {answer['body']}")
        return json.loads(answer["body"])["data"]
