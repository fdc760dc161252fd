"""WeChat Pay's side of an exam: a simulator that runs, by its controls. What it tells nobody, the exam carries itself."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wechatpay_simulator.examining.row import CommandError, ExamError
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import connected

_TIMEOUT_SECONDS = 20
# For as long as an exam lasts. A notification that was dropped is dropped again whenever the ladder brings it up.
_NOTHING_IS_TOLD = {"on": "notification", "effect": "drop"}
# Two refunds shall not be one because the second comes too soon, nor a close be refused for its age.
_PERMISSIVE = {"minuteBetweenRefunds": False, "closeAfter": 0}


@dataclass(frozen=True)
class Keys:
    """Which keys sign at the simulator: its mode, the percentage that goes with it, and the names of what can be verified with."""

    mode: str
    percentage: float
    names: tuple[str, ...]


class WeChatPay:
    """The simulator at `url`. Each call raises ExamError when it does not answer, or not as it should."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def keys(self) -> Keys:
        """How it signs now."""
        shown = self._call("GET", "keys")
        if "mode" not in shown:
            raise ExamError(f"what answers at {self.url} is no simulator of WeChat Pay")
        names = [shown.get("publicKeyId"), *shown.get("certificates", ())]
        return Keys(shown["mode"], shown["percentage"], tuple(name for name in names if name))

    def now(self) -> float:
        """Its time, in seconds since the epoch."""
        return float(self._call("POST", "clock", {"advance": 0})["now"])

    def order(self, out_trade_no: str) -> dict[str, Any] | None:
        """The ledger's entry."""
        orders = self._call("GET", "orders")["orders"]
        return next((each for each in orders if each["out_trade_no"] == out_trade_no), None)

    def refunds(self, out_trade_no: str) -> list[int]:
        """The fen of each refund of an order that was accepted."""
        found = self.order(out_trade_no) or {"refunds": []}
        return [int(refund["amount"]["refund"]) for refund in found["refunds"]]

    def pay(self, out_trade_no: str, *coupons: int) -> Notification:
        """The buyer pays, in part with coupons of so many fen; the notification, which nobody has been told. Raises CommandError when the order cannot be paid."""
        status, paid = self._asked(
            "POST", "pay", {"outTradeNo": out_trade_no, "coupons": [{"amount": fen} for fen in coupons]}
        )
        if status != 200:
            raise CommandError(f"the order that --order placed cannot be paid: {paid.get('error', status)}")
        told = self._call("GET", "notifications")["notifications"]
        found = next(each for each in told if each["id"] == paid["notification_id"])
        return Notification(found["id"], found["event_type"], found["url"], found["body"].encode())

    @contextlib.contextmanager
    def silenced(self) -> Iterator[None]:
        """It tells nobody anything by itself; afterwards rules and settings are those that there were. One exam at a time."""
        rules = self._call("GET", "faults")["rules"]
        always = {**_NOTHING_IS_TOLD, "probability": 1}
        if any(always.items() <= rule.items() and rule.get("left") is None for rule in rules):
            raise ExamError(
                f"at {self.url} all notifications are dropped already: another exam is at it, or was killed: DELETE "
                "/_sandbox/faults there ends it"
            )
        settings = self._call("GET", "settings")
        before = {name: settings[name] for name in _PERMISSIVE if name in settings}
        try:
            self._call("POST", "settings", {name: _PERMISSIVE[name] for name in before})
            self._faults(_NOTHING_IS_TOLD)
            yield
        finally:
            self._call("POST", "settings", before)
            self._faults(*(rule for each in rules if (rule := _rest_of(each)) is not None))

    @contextlib.contextmanager
    def failing(self, on: str, effect: str) -> Iterator[None]:
        """Each call of this kind goes wrong in this way; notifications stay silenced."""
        self._faults(_NOTHING_IS_TOLD, {"on": on, "effect": effect})
        try:
            yield
        finally:
            self._faults(_NOTHING_IS_TOLD)

    def happened(self, on: str) -> int:
        """How often a rule for `on` has had its effect since it was made."""
        rules = self._call("GET", "faults")["rules"]
        return sum(rule["happened"] for rule in rules if rule["on"] == on)

    def _faults(self, *rules: dict[str, Any]) -> None:
        """These rules and no others."""
        self._call("DELETE", "faults")
        if rules:
            self._call("POST", "faults", {"rules": list(rules)})

    def _call(self, method: str, control: str, body: dict[str, Any] | None = None) -> Any:
        status, answer = self._asked(method, control, body)
        if status != 200:
            raise ExamError(
                f"the simulator at {self.url} refuses {method} /_sandbox/{control} ({status}): "
                f"{answer.get('error', 'no simulator of this kind')}"
            )
        return answer

    def _asked(
        self, method: str, control: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(self.url)
        try:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 80)
            with contextlib.closing(connection):
                connection.sock = connected(self.url, seconds=_TIMEOUT_SECONDS)
                connection.request(
                    method, f"/_sandbox/{control}", body=None if body is None else json.dumps(body)
                )
                response = connection.getresponse()
                answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise ExamError(
                f"no simulator answers at {self.url} ({type(problem).__name__}): is it running?"
            ) from None
        return response.status, answer if isinstance(answer, dict) else {}


def _rest_of(rule: dict[str, Any]) -> dict[str, Any] | None:
    """What is left of a rule that stood before, as it is posted; None when it is used up."""
    left = rule.get("left")
    if left == 0:
        return None
    posted = {name: value for name, value in rule.items() if name not in ("happened", "left")}
    return posted if left is None else posted | {"times": left}
