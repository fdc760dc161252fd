"""Mistakes that broke our word, planted into the mended code; people who do mostly what shows them, and what catches them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

import requests

from payments.core.errors import ApiError, OrderClosedError
from payments.core.facts import OrderFacts
from payments.core.payment import Payment
from payments.storage.payments import PaymentStore
from payments.use_cases import opening, sweeping
from payments.use_cases.refunds import refund_wish, refunding
from payments.use_cases.verdicts import Verdict, verdict_of
from tests.resilience.soak.functions import Planted
from tests.resilience.soak.wired import SoakWiring
from tests.resilience.soak.wishes import Mood
from wechatpay import transport
from wechatpay.errors import RefusedError


def _nothing(_module: ModuleType, _wiring: SoakWiring) -> None:
    """The mistake is elsewhere."""


@dataclass(frozen=True)
class Mistake:
    """What is planted, among which people, in windows of how many orders, and by which differences it may be caught."""

    name: str
    mood: Mood
    caught_by: tuple[str, ...]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    planted: Planted = _nothing
    orders: int = 60


def _instead(target: Any, name: str, other: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: patch.object(target, name, other)


@contextmanager
def _refusals_are_believed() -> Iterator[None]:
    """Whatever is refused is refused: unsigned, repeated, after a try that may have been taken."""

    def hasty(operation: str, problem: Any, *, first: bool = True) -> Verdict:
        verdict = verdict_of(operation, problem, first=first)
        doubtful = verdict in (Verdict.UNKNOWN, Verdict.TO_BE_ASKED) and isinstance(problem, RefusedError)
        return Verdict.REFUSED if doubtful and operation in ("create", "refund") else verdict

    with ExitStack() as stack:
        for module in (opening, refunding):
            stack.enter_context(patch.object(module, "verdict_of", hasty))
        yield


def _closed_at_once(module: ModuleType, _wiring: SoakWiring) -> None:
    """An order that is being closed is called closed."""
    if not hasattr(module, "answer"):
        return
    answer = module.answer

    def hasty(request: Any, wiring: Any) -> Any:
        try:
            return answer(request, wiring)
        except ApiError as problem:
            if problem.details.get("closing") and module.__name__.startswith(
                tuple(f"soak_{kind}" for kind in ("native", "jsapi", "app", "h5"))
            ):
                raise OrderClosedError("The order is closed.", details=problem.details) from problem
            raise

    module.answer = hasty  # type: ignore[attr-defined]


def _claim_is_kept(_store: PaymentStore, _out_trade_no: str, *, claim: str) -> None:
    """Nobody sends any more, and nobody may send either."""


def _any_session(_clock: Any = None) -> requests.Session:
    """Connections are kept for ever, and a dead one is an unknown outcome."""
    session = requests.Session()
    session.trust_env = False
    return session


def _older_class_alone(most: int, classes: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Whoever has been due for longest comes first, of whatever class; the others wait behind all of them."""
    oldest = min(classes, key=lambda rows: rows[0].due_at if rows else float("inf"))
    return [rows[:most] if rows is oldest else [] for rows in classes]


@contextmanager
def _refunded_is_paid() -> Iterator[None]:
    """WeChat Pay's REFUND is taken for its SUCCESS."""
    read = OrderFacts.of

    def untouched(members: Any) -> OrderFacts:
        facts = read(members)
        return replace(facts, trade_state="SUCCESS") if facts.trade_state == "REFUND" else facts

    with patch.object(OrderFacts, "of", untouched):
        yield


def _not_kept(_store: PaymentStore, seen: Payment, facts: Sequence[str], *, due_at: int) -> Payment:
    """Evidence that must wait is gone."""
    assert all(json.loads(text) for text in facts)
    return seen


MISTAKES = (
    Mistake(
        "kept_refund_repeated_later",
        Mood(keyless=1.0, away=0.6, refunds=1.5, abandons=0, closes=0, both=0),
        ("I3 refund",),
        _instead(refund_wish, "UNANSWERED_SECONDS", 0),
    ),
    Mistake(
        "refusal_believed_too_soon",
        Mood(refunds=1.0, keyless=0.1),
        ("I3",),
        _refusals_are_believed,
        orders=100,
    ),
    Mistake(
        "closed_while_closing",
        Mood(pays=0, abandons=0, closes=0, both=1, again=1.0, refunds=0.0),
        ("I3 order",),
        planted=_closed_at_once,
    ),
    Mistake(
        "claim_outlives_its_send",
        Mood(refunds=0.0),
        ("I9",),
        _instead(PaymentStore, "give_up_claim", _claim_is_kept),
    ),
    Mistake(
        "dead_connections_are_used",
        Mood(every=60.0, quiet=True, abandons=0, closes=0, both=0, lost=0.0),
        ("I10",),
        _instead(transport, "session", _any_session),
        orders=20,
    ),
    Mistake(
        "backlog_starves",
        Mood(quiet=True, fresh=5, lost=1.0, refunds=0.0),
        ("I11",),
        _instead(sweeping, "turns", _older_class_alone),
        orders=85,
    ),
    Mistake(
        "credited_as_untouched",
        Mood(console=1.0, console_first=1.0, console_lost=True, lost=1.0, refunds=0.0),
        ("I2",),
        _refunded_is_paid,
        orders=20,
    ),
    Mistake(
        "console_refund_lost",
        Mood(console=0.8, console_first=0.3, refunds=1.0),
        ("I2",),
        _instead(PaymentStore, "hold", _not_kept),
    ),
)
"""One for each promise that a client was seen harmed by."""
