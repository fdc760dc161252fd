"""How the walk speaks and calls: every request and answer on the console, every expectation checked."""

import time
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import requests

from sandbox.stack import Sandbox

MAX_WAIT_SECONDS = 10.0  # seconds for what WeChat Pay and the stream do by themselves
API = "/api/v1/payments/wechat"


class StepFailedError(Exception):
    """A step of the walk did not go as it must; the sentence says which."""


class Teller:
    """Calls a running sandbox and tells of it, one numbered step after another."""

    def __init__(self, sandbox: Sandbox, out: TextIO) -> None:
        self.sandbox = sandbox
        self._out = out
        self._step = 0
        self.http = requests.Session()
        self.http.trust_env = False

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
        *,
        scope: str = "payments:pay",
    ) -> Any:
        """One API call, by default as the buyer; request and answer are shown. Returns `data`."""
        token = self.sandbox_call("/_sandbox/token", {"sub": "buyer-1", "scope": scope})["token"]
        self.say(f"   → {method} {API}{path}" + (f"  {as_json(_shortened(body))}" if body else ""))
        answer = self.http.request(
            method,
            f"{self.sandbox.api}{API}{path}",
            data=as_json(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
            timeout=30,
        )
        shown = answer.json()
        self.say(f"   ← {answer.status_code} {as_json(_shortened(shown))}")
        if answer.status_code != 200:
            raise StepFailedError(f"{method} {path} answers 200")
        return shown["data"]

    def sandbox_call(self, path: str, body: dict[str, Any]) -> Any:
        """One call of the sandbox's own handles."""
        answer = self.http.post(f"{self.sandbox.api}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def wait_for(self, sentence: str, look: Callable[[], Any]) -> Any:
        """What `look` finds, within ten seconds. Raises StepFailedError."""
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while not (found := look()):
            if time.monotonic() > deadline:
                raise StepFailedError(f"{sentence} within {MAX_WAIT_SECONDS:.0f} seconds")
            time.sleep(0.05)
        return found

    def delivered(self, event_type: str) -> Any:
        """The latest answered notification of one kind, or None."""
        answer = self.http.get(f"{self.sandbox.simulator}/_sandbox/notifications", timeout=10)
        sent = [one for one in answer.json()["notifications"] if one["event_type"] == event_type]
        return sent[-1] if sent and isinstance(sent[-1]["status"], int) else None

    def events(self, order: dict[str, Any], wanted: list[str]) -> list[dict[str, Any]]:
        """The order's events, once all wanted kinds are among them."""
        events = self.http.get(f"{self.sandbox.api}/_sandbox/events", timeout=10).json()["events"]
        ours = [event for event in events if event["detail"].get("outTradeNo") == order["outTradeNo"]]
        return ours if {event["detail-type"] for event in ours} >= set(wanted) else []


def as_json(value: Any) -> str:
    """One line of JSON."""
    return msgspec.json.encode(value).decode()


def short(text: str, most: int = 60) -> str:
    """The beginning of a long text, and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    return short(value) if isinstance(value, str) else value
