"""The looks of the payments table: which payments are due, who looks into one or asks about it, and when somebody looks next."""

from dataclasses import dataclass

from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import OPEN
from payments.core.payment import Payment
from payments.core.schedule import due_shard
from payments.storage.items import NOT_DUE, P, read, status_in, unchanged, update
from payments.storage.tables import PaymentItem

ENDED_SECONDS = 3600
"""Seconds for which one process does not try to ask about what it has found ended; nothing that has ended opens again."""
MAX_REFUSALS = 1000  # refused questions that one process remembers, of a hundred bytes each


@dataclass(frozen=True)
class Due:
    """A row of the index `due`: under which key which payment has been due since when, in epoch seconds."""

    key: str
    out_trade_no: str
    due_at: int


class LookStore:
    """When payments are looked into; no look moves a payment's status. All times in epoch seconds."""

    def __init__(self, *, payments_table: str, due_shards: int) -> None:
        PaymentItem.Meta.table_name = payments_table
        self._due_shards = due_shards
        self._refused_until: dict[tuple[str, str | None], int] = {}

    def claim_query(self, out_trade_no: str, *, owner: str | None, fresh: int, now: int) -> Payment:
        """Take the right to ask WeChat Pay about an open order now; returns the payment then.

        `owner` is the user whose payment it must be, None for anybody's. RefusedUpdate when it has ended, is another's, is
        not there, or was asked about less than `fresh` seconds ago.
        A refused update costs as many units as its item has kilobytes, and a read a fraction of that. So what this process
        knows to be refused it does not try, and the refusal tells nothing.
        """
        question = (out_trade_no, owner)
        if now < self._refused_until.get(question, 0):
            raise RefusedUpdate
        askable = status_in(OPEN) & (P.asked_at.does_not_exist() | (P.asked_at <= now - fresh))
        try:
            return update(out_trade_no, [P.asked_at.set(now)], askable, owner=owner)
        except RefusedUpdate as refused:
            self._remember(question, _askable_at(refused.payment, fresh, now))
            raise

    def _remember(self, question: tuple[str, str | None], until: int) -> None:
        self._refused_until.pop(question, None)
        if len(self._refused_until) >= MAX_REFUSALS:
            del self._refused_until[next(iter(self._refused_until))]
        self._refused_until[question] = until

    def find_due(self, key: str, *, now: int, most: int) -> list[Due]:
        """What waits under one key of the index `due` and is due by `now`, most overdue first.

        The index may lag behind: `lease` decides.
        """
        rows = PaymentItem.due.query(key, P.due_at <= now, limit=most)
        found = [row.raw for row in read(lambda: list(rows))]
        return [Due(key, row["out_trade_no"]["S"], int(row["due_at"]["N"])) for row in found]

    def lease(self, due: Due, *, until: int) -> Payment:
        """Move `due_at` of a due payment to `until`, so that only the caller looks at it until then.

        `due_since` keeps when it first became due, until `set_next_look`. RefusedUpdate when its `due_at` is no longer that
        of `due`. It is accepted when `until` stands there already: the SDK repeats a write whose answer was lost, and two
        messages of one lease are one look.
        """
        actions = [P.due_at.set(until), P.due_since.set(P.due_since | due.due_at)]
        return update(due.out_trade_no, actions, (P.due_at == due.due_at) | (P.due_at == until))

    def set_next_look(self, payment: Payment, *, due_at: int, answered: bool) -> None:
        """Somebody has looked: when to look next. Without an answer the payment has been due all the time.

        RefusedUpdate when somebody has said otherwise since `payment` was read.
        """
        actions = [P.due_at.set(due_at), P.due_shard.set(due_shard(payment, due_at, self._due_shards))]
        if answered:
            actions.append(P.due_since.remove())
        update(payment.out_trade_no, actions, unchanged(P.due_at, payment.due_at))

    def clear_due(self, seen: Payment) -> None:
        """Nobody has to look any more. RefusedUpdate when it has moved since, or is due for something else."""
        unmoved = (P.version == seen.version) & (P.due_at == seen.due_at) & P.held.does_not_exist()
        update(seen.out_trade_no, NOT_DUE, unmoved)


def _askable_at(found: Payment | None, fresh: int, now: int) -> int:
    """When a question that was refused because of `found` may be worth another try."""
    if found is None:
        return now + fresh
    if found.status.is_final:
        return now + ENDED_SECONDS
    return (now if found.asked_at is None else found.asked_at) + fresh
