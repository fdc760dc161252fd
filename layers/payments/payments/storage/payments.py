"""Where payments are kept: the verbs by which one moves, each a single conditional update.

The conditions are built from the tables in `lifecycle`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from payments.core import history
from payments.core.errors import RefusedUpdate
from payments.core.facts import OrderFacts
from payments.core.lifecycle import (
    CLOSE_CONFIRMED,
    CLOSE_WANTED,
    CREATION_REFUSED,
    CREDENTIAL_RECEIVED,
    MONEY_RECEIVED,
    MONEY_RECEIVED_LATE,
    Edge,
)
from payments.core.payment import Credential, Payment
from payments.core.schedule import FIRST_CHECK_SECONDS, shard
from payments.storage.items import NOT_DUE, P, append, get, get_all, put_new, status_in, unchanged, update
from payments.storage.tables import PaymentItem

_UNCLAIMED = (P.claim.remove(), P.claimed_until.remove())


class PaymentStore:
    """One stack's payments. All amounts in fen, all times in epoch seconds."""

    def __init__(self, *, payments_table: str, due_shards: int) -> None:
        PaymentItem.Meta.table_name = payments_table
        self._due_shards = due_shards

    def get(self, out_trade_no: str) -> Payment | None:
        """The payment as of now (a consistent read), or None."""
        return get(out_trade_no)

    def get_all(self, out_trade_nos: Collection[str]) -> dict[str, Payment]:
        """Those of these payments, at most a hundred, that there are, as of now (one consistent read), by their numbers."""
        return get_all(out_trade_nos)

    def found(self, out_trade_no: str, refused: RefusedUpdate) -> Payment | None:
        """The payment that a refused write of it has met, or None; it is read where the refusal does not tell."""
        return refused.payment or self.get(out_trade_no)

    def reread(self, payment: Payment, refused: RefusedUpdate | None = None) -> Payment:
        """A payment that was read or written before, as of now, or of when a write of it was `refused`.

        No payment is ever deleted.
        """
        known = (
            self.get(payment.out_trade_no) if refused is None else self.found(payment.out_trade_no, refused)
        )
        return known or payment

    def create(self, payment: Payment, *, due_at: int | None) -> None:
        """Put a payment in CREATING, or in CLOSED so that nobody ever sends it: then it is not due. RefusedUpdate when its number exists."""
        values = {
            f.name: getattr(payment, f.name) for f in fields(payment) if getattr(payment, f.name) is not None
        }
        values |= {
            "status": payment.status.value,
            "history": [history.stored(status=payment.status, cause="create", at=payment.created_at)],
        }
        if due_at is not None:
            values |= {"due_shard": self._shard(payment.out_trade_no), "due_at": due_at}
        for later in ("late_paid", "refunded_elsewhere", "held"):
            values.pop(later)
        put_new(PaymentItem(**values))

    def claim(self, seen: Payment, *, claim: str, until: int, due_at: int, now: int) -> Payment:
        """Take the right to send the frozen request again, under the name `claim`. RefusedUpdate when somebody else has it.

        Returns the payment with the claim: `sent_at` is later than it ever was, and what was missing is asked about anew.
        """
        actions = [
            P.claim.set(claim),
            P.claimed_until.set(until),
            P.due_at.set(due_at),
            P.due_shard.set(self._shard(seen.out_trade_no)),
            P.sent_at.set(max(now, seen.sent_at + 1)),
            P.missing_since.remove(),
        ]
        condition = unchanged(P.claim, seen.claim) & (P.sent_at == seen.sent_at)
        return update(seen.out_trade_no, actions, condition & (P.status == seen.status.value))

    def give_up_claim(self, out_trade_no: str, *, claim: str | None) -> None:
        """End a claim, however its send ended. RefusedUpdate when somebody else has one now, or nobody."""
        update(out_trade_no, _UNCLAIMED, unchanged(P.claim, claim))

    def mark_missing(self, payment: Payment, *, now: int) -> None:
        """WeChat Pay has no such order, for the first time since the request was last sent."""
        condition = (P.sent_at == payment.sent_at) & (P.status == payment.status.value)
        update(payment.out_trade_no, [P.missing_since.set(now)], condition & P.missing_since.does_not_exist())

    def record_credential(
        self, sent: Payment, credential: Credential, *, expires_at: int, due_at: int, now: int
    ) -> Payment:
        """CREATING to PENDING with what the buyer pays by. RefusedUpdate when somebody else sends it since `sent`.

        A claim that has ended by itself is still the sender's own until somebody takes another.
        """
        actions = _credential(credential, expires_at)
        actions += [P.due_at.set(due_at), P.due_shard.set(self._shard(sent.out_trade_no))]
        mine = unchanged(P.claim, sent.claim)
        return _move(sent.out_trade_no, CREDENTIAL_RECEIVED, actions, mine, cause="created", now=now)

    def renew_credential(self, sent: Payment, credential: Credential, *, expires_at: int) -> Payment:
        """A fresh credential for an order that outlives the last. RefusedUpdate when it was sent again since, or moved."""
        condition = unchanged(P.claim, sent.claim) & (P.status == sent.status.value)
        return update(sent.out_trade_no, _credential(credential, expires_at), condition)

    def clear_missing(self, out_trade_no: str) -> Payment:
        """WeChat Pay has the order after all."""
        return update(out_trade_no, [P.missing_since.remove()], P.missing_since.exists())

    def fail_creation(self, payment: Payment, *, refusal: Mapping[str, str], cause: str, now: int) -> Payment:
        """CREATING to FAILED: a definitive refusal, or no such order. RefusedUpdate when it was sent again since."""
        actions = [P.refusal.set(dict(refusal)), P.completed_at.set(now)]
        unsent = P.sent_at == payment.sent_at
        return self._end(payment.out_trade_no, CREATION_REFUSED, actions, unsent, cause=cause, now=now)

    def begin_close(
        self, out_trade_no: str, *, cause: str, due_at: int, now: int, owner: str | None = None
    ) -> Payment:
        """To CLOSING: from here on no credential is handed out; WeChat Pay has still to say that it is closed.

        `owner` is the user whose payment it must be. RefusedUpdate when it is another's, and then tells nothing of it.
        """
        actions = [P.due_at.set(due_at), P.due_shard.set(self._shard(out_trade_no))]
        return _move(out_trade_no, CLOSE_WANTED, actions, cause=cause, now=now, owner=owner)

    def confirm_close(self, out_trade_no: str, *, cause: str, now: int) -> Payment:
        """To CLOSED: WeChat Pay says that nobody can pay any more."""
        actions = [P.trade_state.set("CLOSED"), P.completed_at.set(now)]
        unpaid = P.transaction_id.does_not_exist()
        return self._end(out_trade_no, CLOSE_CONFIRMED, actions, unpaid, cause=cause, now=now)

    def _end(
        self, out_trade_no: str, edge: Edge, actions: Sequence[Any], condition: Any, *, cause: str, now: int
    ) -> Payment:
        """An end without money: nobody has to look any more, unless evidence waits that says otherwise."""
        try:
            alone = condition & P.held.does_not_exist()
            return _move(out_trade_no, edge, [*actions, *NOT_DUE], alone, cause=cause, now=now)
        except RefusedUpdate as refused:
            if refused.payment is not None and not refused.payment.held:
                raise
            due = [P.due_at.set(now + FIRST_CHECK_SECONDS), P.due_shard.set(self._shard(out_trade_no))]
            return _move(
                out_trade_no, edge, [*actions, *due], condition & P.held.exists(), cause=cause, now=now
            )

    def record_money(
        self, facts: OrderFacts, *, cause: str, now: int, late: bool = False, held: bool = False, due_at: int
    ) -> Payment:
        """To PAID, if and only if merchant, app, amount and currency are the order's own.

        `late` is the edge from CLOSED and FAILED; it marks the payment, as money that has gone back already does. `held`
        tells that evidence waits for this: the payment is due for it at `due_at`. ValueError for facts that do not say that
        it is paid, or lack transaction_id, total or currency.
        """
        transaction_id, total, elsewhere = facts.transaction_id, facts.total, facts.says_refunded
        if not facts.says_paid or transaction_id is None or total is None or facts.currency is None:
            raise ValueError("facts that credit a payment say so, with transaction_id, total and currency")
        condition = (
            (P.mchid == facts.mchid)
            & (P.appid == facts.appid)
            & (P.amount == total)
            & (P.currency == facts.currency)
            & P.transaction_id.does_not_exist()
            & (P.held.exists() if held else P.held.does_not_exist())
        )
        actions = [
            P.transaction_id.set(transaction_id),
            P.trade_state.set(facts.trade_state),
            P.paid.set(total),
            P.refundable.set(total),
            P.completed_at.set(now),
        ]
        due = [P.due_at.set(due_at), P.due_shard.set(self._shard(facts.out_trade_no))]
        actions += due if held else NOT_DUE
        told: Any = (
            (P.payer_openid, facts.openid),
            (P.success_time, facts.success_time),
            (P.payer_total, facts.payer_total),
            (P.promotions, facts.promotions),
        )
        actions += [attribute.set(value) for attribute, value in told if value is not None]
        if late:
            actions.append(P.late_paid.set(True))
        if elsewhere:
            actions.append(P.refunded_elsewhere.set(True))
        return _move(
            facts.out_trade_no,
            MONEY_RECEIVED_LATE if late else MONEY_RECEIVED,
            actions,
            condition,
            cause=cause,
            now=now,
            transaction_id=transaction_id,
            amount=total,
            late=late,
            elsewhere=elsewhere,
        )

    def mark_refunded_elsewhere(self, seen: Payment) -> Payment:
        """Note that money of a payment without a refund of ours has gone back; how much of it is not known."""
        condition = (P.refund_count == 0) & (P.version == seen.version)
        return update(seen.out_trade_no, [P.refunded_elsewhere.set(True)], condition)

    def hold(self, seen: Payment, facts: Sequence[str], *, due_at: int) -> Payment:
        """Keep exactly these facts until they can be applied; while there are any, somebody looks again.

        RefusedUpdate when others are kept by now.
        """
        condition = P.held == list(seen.held) if seen.held else P.held.does_not_exist()
        if not facts:
            return update(seen.out_trade_no, [P.held.remove()], condition)
        due = [P.due_at.set(due_at), P.due_shard.set(self._shard(seen.out_trade_no))]
        return update(seen.out_trade_no, [P.held.set(list(facts)), *due], condition)

    def _shard(self, out_trade_no: str) -> str:
        return shard(out_trade_no, self._due_shards)


def _move(
    out_trade_no: str, edge: Edge, actions: Sequence[Any], condition: Any = None, **step: Any
) -> Payment:
    allowed = status_in(edge.sources)
    return append(
        out_trade_no,
        [P.status.set(edge.target.value), *actions],
        allowed if condition is None else allowed & condition,
        status=edge.target,
        event=edge.event,
        **step,
    )


def _credential(credential: Credential, expires_at: int) -> list[Any]:
    kinds = (
        (P.code_url, credential.code_url),
        (P.prepay_id, credential.prepay_id),
        (P.h5_url, credential.h5_url),
    )
    given = [attribute.set(value) for attribute, value in kinds if value is not None]
    return [P.credential_expires_at.set(expires_at), *_UNCLAIMED, *given]
