"""Mistakes that payment backends have been found with, planted into the wiring: the harness must catch every one."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

from payments.core import identifiers
from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import RefundNews, Status
from payments.core.payment import Payment, Refund
from payments.storage.items import P, append
from tests.resilience.crash.functions import Planted
from tests.resilience.crash.wired import CrashWiring


class _Instead:
    """Another part's verbs, some of them replaced."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._target, verb)


class ReadCheckInsert(_Instead):
    """A refund store that trusts what it has read: the update itself asks for nothing."""

    def reserve(self, seen: Payment, refund: Refund, **step: Any) -> Payment:
        """Reserve what was there when somebody looked."""
        if seen.refundable < refund.amount:
            raise RefusedUpdate
        actions = [
            P.refunds[refund.out_refund_no].set(
                {"status": "REQUESTED", "amount": refund.amount, "created_at": step["now"]}
            ),
            P.refundable.set(P.refundable - refund.amount),
            P.refunding.set(P.refunding + refund.amount),
            P.refund_count.set(P.refund_count + 1),
            P.due_at.set(step["due_at"]),
            P.due_shard.set("0"),
        ]
        return append(
            seen.out_trade_no,
            actions,
            P.version.exists(),
            status=seen.status,
            cause=step["cause"],
            now=step["now"],
            event="RefundRequested",
            out_refund_no=refund.out_refund_no,
            amount=refund.amount,
        )


class ClosedBeatsPaid(_Instead):
    """A store that closes whatever there is."""

    def begin_close(
        self, out_trade_no: str, *, cause: str, due_at: int, now: int, owner: str | None = None
    ) -> Payment:
        """To CLOSING, from anywhere, and whoever's it is."""
        actions = [P.status.set("CLOSING"), P.due_at.set(due_at), P.due_shard.set("0")]
        return append(out_trade_no, actions, P.version.exists(), status=Status.CLOSING, cause=cause, now=now)


class ReleasedAtOnce(_Instead):
    """A refund store that gives the money back on the first refusal, though an earlier try may still arrive."""

    def mark_refused(self, seen: Payment, out_refund_no: str, *, code: str, unsure: bool) -> Payment:
        """Release instead of noting it."""
        refund = replace(seen.refunds[out_refund_no], refused=code)
        now = refund.sent_at or refund.created_at
        released: Payment = self._target.release(seen, out_refund_no, RefundNews("refund", now))
        return released


def _store(part: str, instead: Callable[[Any], Any]) -> Planted:
    def planted(_module: ModuleType, wiring: CrashWiring) -> None:
        watched = getattr(wiring, part)
        watched.target = instead(watched.target)

    return planted


def _accepts_everything(module: ModuleType, _wiring: CrashWiring) -> None:
    """2xx before commit: the answer does not wait for what the table says."""
    handler = module.lambda_handler

    def hasty(event: dict[str, Any], context: Any) -> Mapping[str, Any]:
        answer: dict[str, Any] = handler(event, context)
        return {**answer, "statusCode": 200}

    module.lambda_handler = hasty  # type: ignore[attr-defined]


def _nothing(_module: ModuleType, _wiring: CrashWiring) -> None:
    """The mistake is elsewhere."""


@contextmanager
def _new_number_each_time() -> Iterator[None]:
    """A refund's number is made afresh for every try."""

    def fresh(**_: object) -> str:
        return identifiers.random_number("RF", secrets.token_bytes(20))

    with patch.object(identifiers, "out_refund_no_with_key", fresh):
        yield


@dataclass(frozen=True)
class Mistake:
    """What is planted, in which flow it shows, and by which invariants it may be caught."""

    name: str
    flow: str
    caught_by: tuple[str, ...]
    planted: Planted = _nothing
    around: Callable[[], AbstractContextManager[None]] = nullcontext


MISTAKES = (
    Mistake("read_check_insert", "refund_race", ("I1",), _store("refunds", ReadCheckInsert)),
    Mistake("closed_beats_paid", "close_overtaken", ("I4",), _store("store", ClosedBeatsPaid)),
    Mistake("new_number_on_retry", "refund", ("I3",), around=_new_number_each_time),
    Mistake("accepted_before_commit", "notify", ("I2",), _accepts_everything),
    Mistake("released_in_flight", "refund", ("I2", "I3"), _store("refunds", ReleasedAtOnce)),
)
