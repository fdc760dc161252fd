"""How each kind of effect can go wrong, and what the product then sees.

`die_*`: the invocation is gone. `timeout_*`: nobody answers, and nobody knows. `refused`, `busy`, `error`: an answer
that says no. `garbled`, `truncated`, `unsigned`: the effect is there, its answer proves nothing.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from payments.core.checkouts.checkout import Checkout
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.payment import Payment
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.crash.effects import Effect, Killed
from wechatpay.errors import UnknownOutcomeError

_TABLES = ("store", "looks", "refunds", "allowances", "checkouts")
READS = ("get", "get_all", "found", "reread", "find_due")
SLOW_STORAGE = 3  # seconds that the adapter tries
SLOW_WECHAT = 10  # seconds: two tries of five
LATE = dict.fromkeys(("order_native", "order_jsapi", "order_app", "order_h5"), 14)
"""Seconds after its start at which a request still arrives: within the life of the function that sent it …"""
LATER = 60  # … and, for what the product promises to hold back longer, well beyond it

_ON = {
    "order_native": "native",
    "order_jsapi": "jsapi",
    "order_app": "app",
    "order_h5": "h5",
    "close": "close",
    "refund": "refund",
    "query_refund": "refundQuery",
    "query_by_out_trade_no": "query",
    "query_by_transaction_id": "query",
}
_WECHAT: dict[str, dict[str, object]] = {  # without `times`: whichever host is asked, however often
    "timeout_no_effect": {"effect": "reset_before"},
    "timeout_with_effect": {"effect": "reset_after"},
    "first_try_lost": {"effect": "reset_after", "times": 1},
    "busy": {"effect": "status", "status": 429, "code": "FREQUENCY_LIMITED", "times": 1},
    "error": {"effect": "status", "status": 500, "code": "SYSTEM_ERROR"},
    "garbled": {"effect": "bad_signature"},
    "unsigned": {"effect": "html", "status": 502, "after": True},
    "truncated": {"effect": "truncate"},
    "refused": {"effect": "status", "status": 400, "code": "PARAM_ERROR", "times": 1},
    "refused_in_flight": {"effect": "status", "status": 400, "code": "PARAM_ERROR", "times": 1},
    "keys_refused": {"effect": "status", "status": 401, "code": "SIGN_ERROR", "times": 1},
    "user_paying": {"effect": "status", "status": 202, "code": "USER_PAYING", "times": 1},
    "not_enough": {"effect": "status", "status": 403, "code": "NOT_ENOUGH", "times": 1},
}
_ONLY = {"refund": ("not_enough",), "close": ("user_paying",)}
_READ = ("die_before", "timeout_no_effect")
_WRITE = ("die_before", "die_after", "timeout_no_effect", "timeout_with_effect", "lost_then_refused")
_KEPT = ("die_before", "die_after", "timeout_no_effect", "timeout_with_effect")
_BATCH = ("die_before", "die_after", "timeout_no_effect", "timeout_with_effect", "refused", "throttled")
_SECRET = ("die_before", "timeout_no_effect", "throttled", "denied")
_BATCHES = {"put_events": "Entries", "send_message_batch": "Entries"}


def modes_of(name: str) -> tuple[str, ...]:
    """The modes of an effect by its name. An effect on which nobody has decided gets the four that fit all."""
    part, _, method = name.partition(".")
    if part in _TABLES:
        return _READ if method in READS else _WRITE
    if part == "wechat" and method in _ON:
        in_flight = () if "query" in method else ("late_effect", "refused_in_flight")
        own = _ONLY.get(method, ())
        plain = tuple(
            mode for mode in _WECHAT if mode not in ("refused_in_flight", "not_enough", "user_paying")
        )
        return ("die_before", "die_after", *plain, *in_flight, *own)
    if method in _BATCHES:
        return _BATCH
    return _SECRET if part == "_secrets_manager" else _KEPT


class MisplacedError(BaseException):
    """The run did not take the course that its faults were chosen for. Nothing of the product swallows it."""


class Modes:
    """Makes effects go wrong. `rules` gives fault rules to the simulator; `later` has a call made by and by."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        rules: Callable[[list[dict[str, object]]], None],
        later: Callable[[float, Callable[[], Any]], None],
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._later = later

    def __call__(self, effect: Effect, mode: str) -> Any:
        """What the product gets instead of `effect.call()`. Raises MisplacedError for a mode that does not fit."""
        if mode not in modes_of(effect.name):
            raise MisplacedError(f"{mode} is not a mode of {effect.name}")
        if mode == "die_before":
            raise Killed
        if mode == "die_after":
            effect.call()
            raise Killed
        if effect.part == "wechat" and effect.method in _ON:
            return self._wechat(effect, mode)
        if mode == "refused":
            return _none_taken(effect)
        if mode in ("throttled", "denied"):
            code = "AccessDeniedException" if mode == "denied" else "ThrottlingException"
            raise ClientError({"Error": {"Code": code, "Message": mode}}, effect.method)
        return self._unanswered(effect, mode)

    def _unanswered(self, effect: Effect, mode: str) -> Any:
        written = effect.call() if mode != "timeout_no_effect" else None
        if mode == "lost_then_refused":
            # The SDK repeats a write whose answer was lost, and the repetition meets its own effect, and tells it.
            raise RefusedUpdate(
                payment=written if isinstance(written, Payment) else None,
                checkout=written if isinstance(written, Checkout) else None,
            )
        self._clock.advance(SLOW_STORAGE)
        if effect.part in (*_TABLES, "quarantine"):
            raise StorageUnavailableError("ReadTimeoutError")
        if effect.part == "wechat":
            raise UnknownOutcomeError("ReadTimeout")
        raise ReadTimeoutError(endpoint_url="https://aws.example.com")

    def _wechat(self, effect: Effect, mode: str) -> Any:
        if mode in ("late_effect", "refused_in_flight"):
            self._later(LATE.get(effect.method, LATER), effect.call)
        if mode == "late_effect":
            self._clock.advance(SLOW_WECHAT)
            raise UnknownOutcomeError("ReadTimeout")
        self._rules([{"on": _ON[effect.method], **_WECHAT[mode]}])
        try:
            return effect.call()
        finally:
            self._rules([])
            if mode.startswith("timeout"):
                self._clock.advance(SLOW_WECHAT)


def _none_taken(effect: Effect) -> dict[str, Any]:
    """A batch of which AWS took nothing, said entry by entry."""
    entries = effect.members["Entries"]
    if effect.method == "put_events":
        refused = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"} for _ in entries]
        return {"FailedEntryCount": len(entries), "Entries": refused}
    failed = [{"Id": entry["Id"], "SenderFault": False, "Code": "ThrottlingException"} for entry in entries]
    return {"Failed": failed, "Successful": []}
