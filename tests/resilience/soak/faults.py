"""What goes wrong in a window, drawn from its seed: at most one effect of an invocation, and WeChat Pay's own troubles."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.kit.dynamodb import time_out
from tests.resilience.crash.effects import Killed
from wechatpay.errors import UnknownOutcomeError

SHARE = 0.2  # of invocations, of WeChat Pay's answers, of notifications
EFFECTS = 6  # an invocation has about so many; one of them goes wrong
SLOW = 3  # seconds that AWS's client tries
SLOW_WECHAT = 10  # seconds: two tries of five
ORDERS = ("order_native", "order_jsapi", "order_app", "order_h5")
LATE = dict.fromkeys(ORDERS, 14)  # seconds at most until a request that was given up arrives …
LATER = 55  # … and other requests

MODES = {
    "read": ("die_before", "timeout", "meanwhile"),
    "write": ("die_before", "die_after", "timeout", "timeout_with_effect", "repeated", "meanwhile"),
    "service": ("die_before", "timeout", "throttled"),
    "batch": ("die_before", "die_after", "timeout", "timeout_with_effect", "throttled", "none_taken"),
    "wechat": ("die_before", "die_after", "late", "meanwhile"),
    "question": ("die_before", "meanwhile"),
}
"""By kind of effect. `meanwhile`: others do what they were going to do just before it."""

_TROUBLES: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.22, {"effect": "reset_before"}),
    (0.22, {"effect": "reset_after"}),
    (0.14, {"effect": "status", "status": 500, "code": "SYSTEM_ERROR"}),
    (0.10, {"effect": "html", "status": 502, "after": True}),
    (0.08, {"effect": "bad_signature"}),
    (0.08, {"effect": "truncate"}),
    (0.08, {"effect": "status", "status": 429, "code": "FREQUENCY_LIMITED"}),
    (0.04, {"effect": "status", "status": 400, "code": "PARAM_ERROR"}),
    (0.04, {"effect": "status", "status": 400, "code": "PARAM_ERROR", "signed": False, "after": True}),
)
_ONLY = {
    "close": ({"effect": "status", "status": 202, "code": "USER_PAYING"},),
    "refund": (
        {"effect": "status", "status": 403, "code": "NOT_ENOUGH"},
        {"effect": "result", "result": "CLOSED"},
    ),
}
ASKED = ("native", "jsapi", "app", "h5", "query", "close", "refund", "refundQuery")


def rules() -> list[dict[str, Any]]:
    """The simulator's rules: SHARE of WeChat Pay's answers to each operation are in trouble."""
    drawn = []
    for operation in ASKED:
        left = 1.0  # that no rule before has happened: each is drawn only then
        for part, trouble in (*_TROUBLES, *((0.05, each) for each in _ONLY.get(operation, ()))):
            share = SHARE * part
            drawn.append({"on": operation, **trouble, "probability": round(share / left, 6)})
            left -= share
    return drawn


class Faults:
    """Plans what goes wrong and counts what went wrong, by kind."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.share = SHARE
        self.happened: Counter[str] = Counter()

    def planned(self) -> int | None:
        """The number of the effect that goes wrong in one invocation; None when none does."""
        return self._chance.randint(1, EFFECTS) if self._chance.random() < self.share else None

    def mode(self, kind: str) -> str:
        """How an effect of this kind goes wrong."""
        mode = self._chance.choice(MODES[kind])
        self.happened[f"{kind} {mode}"] += 1
        return mode

    def late(self, method: str) -> float:
        """Seconds until a request arrives that its sender has given up."""
        return self._chance.uniform(1, LATE.get(method, LATER))


class Invocation:
    """One invocation's effects; once it has died none happens any more, whatever `finally` still asks for."""

    def __init__(
        self,
        faults: Faults,
        *,
        faulty: bool,
        advance: Callable[[float], None],
        later: Callable[[float, Callable[[], Any], tuple[Any, ...]], None],
        meanwhile: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._wrong = faults.planned() if faulty else None
        self._advance = advance
        self._later = later
        self._meanwhile = meanwhile
        self._number = 0
        self._dead = False

    def through(
        self,
        kind: str,
        method: str,
        call: Callable[[], Any],
        members: dict[str, Any] | None = None,
        arguments: tuple[Any, ...] = (),
    ) -> Any:
        """Let one effect happen, or go wrong. Raises Killed when the invocation dies here, or has died before."""
        if self._dead:
            raise Killed
        self._number += 1
        if self._number != self._wrong:
            return call()
        try:
            return self._goes_wrong(self._faults.mode(kind), method, call, members or {}, arguments)
        except Killed:
            self._dead = True
            raise

    def _goes_wrong(
        self,
        mode: str,
        method: str,
        call: Callable[[], Any],
        members: dict[str, Any],
        arguments: tuple[Any, ...],
    ) -> Any:
        if mode == "meanwhile":
            self._meanwhile()
            return call()
        if mode in ("die_after", "timeout_with_effect"):
            with contextlib.suppress(Exception):  # nobody hears how it ended
                call()
        if mode.startswith("die"):
            raise Killed
        if mode == "repeated":  # the SDK repeats what was lost, and may meet its own effect
            call()
            return call()
        if mode == "late":
            self._later(self._faults.late(method), call, arguments)
            self._advance(SLOW_WECHAT)
            raise UnknownOutcomeError("ReadTimeout")
        if mode == "throttled":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, method)
        if mode == "none_taken":
            return _none_taken(method, members["Entries"])
        self._advance(SLOW)
        raise time_out()


def _none_taken(method: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch of which AWS took nothing, said entry by entry."""
    if method == "put_events":
        refused = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"} for _ in entries]
        return {"FailedEntryCount": len(entries), "Entries": refused}
    failed = [{"Id": entry["Id"], "SenderFault": False, "Code": "ThrottlingException"} for entry in entries]
    return {"Failed": failed, "Successful": []}


def named(rule: Mapping[str, Any]) -> str:
    """What figures call a rule of the simulator."""
    extra = rule.get("code") or rule.get("result") or ""
    return " ".join(
        part
        for part in (rule["effect"], str(extra), "unsigned" if rule.get("signed") is False else "")
        if part
    )
