"""The looks of the payments table: which payments are due, who looks into one, and when somebody looks next."""

from dataclasses import dataclass

from payments.core.payment import Payment
from payments.core.schedule import due_shard
from payments.storage.items import NOT_DUE, P, read, unchanged, update


@dataclass(frozen=True)
class Due:
    """A row of the index `due`: under which key which payment has been due since when, in epoch seconds."""

    key: str
    out_trade_no: str
    due_at: int


class LookStore:
    """When payments are looked into; no look moves a payment's status. All times in epoch seconds."""

    def __init__(self, *, payments_table: str, due_shards: int) -> None:
        P.Meta.table_name = payments_table
        self._due_shards = due_shards

    def find_due(self, key: str, *, now: int, most: int) -> list[Due]:
        """What waits under one key of the index `due` and is due by `now`, most overdue first.

        The index may lag behind: `lease` decides.
        """
        rows = P.due.query(key, P.due_at <= now, limit=most)
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
