"""Mistakes that broke our word, planted into the mended code; people who do mostly what shows them, and what catches them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from payments import evidence, opening, refund_evidence, refunding
from payments.errors import ApiError, OrderClosedError
from payments.evidence import Applied
from payments.lifecycle import Status
from payments.payment import Payment
from payments.verdicts import Verdict, judge
from tests.soak.people import Mood
from wechatpay.errors import RefusedError


@dataclass(frozen=True)
class Mistake:
    """What is planted, among which people, in windows of how many orders, and by which differences it may be caught."""

    name: str
    planted: Callable[[], AbstractContextManager[None]]
    mood: Mood
    caught_by: tuple[str, ...]
    orders: int = 60


def _instead(target: Any, name: str, other: Any) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def planted() -> Iterator[None]:
        with patch.object(target, name, other):
            yield

    return planted


# ---- a kept refund repeated later is a second refund ----


def _nobody_is_unanswered(*_: object) -> bool:
    return False


# ---- a refusal is called definite that is not ----


def _hasty(operation: str, problem: Any, *, first: bool = True) -> Verdict:
    """Whatever is refused is refused: unsigned, repeated, after a try that may have been taken."""
    verdict = judge(operation, problem, first=first)
    doubtful = verdict in (Verdict.UNKNOWN, Verdict.TO_BE_ASKED) and isinstance(problem, RefusedError)
    return Verdict.REFUSED if doubtful and operation in ("create", "refund") else verdict


@contextmanager
def _refusals_are_believed() -> Iterator[None]:
    with ExitStack() as stack:
        for module in (opening, refunding):
            stack.enter_context(patch.object(module, "judge", _hasty))
        yield


# ---- closed is said while it is only being closed ----

_unpayable = opening._unpayable


def _closed_at_once(known: Payment, now: float) -> ApiError | None:
    if known.status is Status.CLOSING:
        return OrderClosedError("The order is closed.", details={"outTradeNo": known.out_trade_no})
    return _unpayable(known, now)


# ---- a claim outlives its send ----


def _claim_is_kept(*_: object) -> int:
    return 0


# ---- connections that WeChat Pay has given up are used again ----


@contextmanager
def _dead_connections_are_used() -> Iterator[None]:
    yield


# ---- money that went back elsewhere is credited as untouched ----

_apply_order = evidence._money


def _untouched(facts: Any, source: str, wiring: Any) -> Any:
    return _apply_order(replace(facts, trade_state="SUCCESS"), source, wiring)


# ---- a refund that meets one of ours is lost ----


def _not_kept(_facts: object, payment: Payment, _wiring: object) -> tuple[Applied, Payment]:
    return Applied.HELD, payment


MISTAKES = (
    Mistake(
        "kept_refund_repeated_later",
        _instead(refunding, "_unanswered", _nobody_is_unanswered),
        Mood(keyless=1.0, away=0.6, refunds=1.5, abandons=0, closes=0, both=0),
        ("I3 refund",),
    ),
    Mistake("refusal_believed_too_soon", _refusals_are_believed, Mood(refunds=1.0, keyless=0.1), ("I3",)),
    Mistake(
        "closed_while_closing",
        _instead(opening, "_unpayable", _closed_at_once),
        Mood(pays=0, abandons=0, closes=0, both=1, again=1.0, refunds=0.0),
        ("I3 order",),
    ),
    Mistake(
        "claim_outlives_its_send",
        _instead(opening, "_claim_given_up", _claim_is_kept),
        Mood(refunds=0.0),
        ("I9",),
    ),
    Mistake(
        "dead_connections_are_used",
        _dead_connections_are_used,
        Mood(every=60.0, quiet=True, abandons=0, closes=0, both=0, lost=0.0),
        ("I10",),
        orders=20,
    ),
    Mistake(
        "credited_as_untouched",
        _instead(evidence, "_money", _untouched),
        Mood(console=1.0, console_first=1.0, lost=1.0, refunds=0.0),
        ("I2",),
    ),
    Mistake(
        "console_refund_lost",
        _instead(refund_evidence, "hold", _not_kept),
        Mood(console=0.8, console_first=0.3, refunds=1.0),
        ("I2",),
    ),
)
